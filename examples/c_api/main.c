/* A C program that samples: see student.cpp for how it is built. */
#include <stdio.h>
#include <stdlib.h>

#include "student.h"

static void give_up(const char* sentence) {
  fprintf(stderr, "sampler: %s\n", sentence);
  exit(3);
}

int main(int count, char** arguments) {
  enum { rows = 1000 };
  static float samples[2 * rows];
  const float noise[2] = {0.5f, -1};
  double squares = 0;
  student* s;
  int k;

  student_on_failure(give_up);
  s = student_create();
  if (student_data_dimension(s) != 2 || student_noise_dimension(s) != 2) return 2;

  /* An argument is the number of the first sample. */
  student_sample(s, 7, count > 1 ? atol(arguments[1]) : 0, rows, samples);
  for (k = 0; k < 5; ++k) printf("%8.4f %8.4f\n", samples[2 * k], samples[2 * k + 1]);
  for (k = 0; k < 2 * rows; ++k) squares += (double)samples[k] * samples[k] / (2 * rows);
  printf("mean square of a coordinate %.2f\n", squares);

  student_push(s, noise, 1, samples);
  printf("(0.5, -1) -> (%.4f, %.4f)\n", samples[0], samples[1]);
  student_destroy(s);
  return squares > 6 && squares < 7 ? 0 : 1; /* the teacher's samples have about 6.6 */
}
