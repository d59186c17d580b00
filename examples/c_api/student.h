/* A one-step sampler as a C library: what a game, a plug-in or firmware calls. */
#ifndef STUDENT_H
#define STUDENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A student with the memory of its pushes: one for each thread. */
typedef struct student student;

/* Called with a sentence before a mistake, such as a negative first sample, ends the program; NULL, as at first, writes
   the sentence to standard error. */
void student_on_failure(void (*handler)(const char* sentence));

student* student_create(void);
void student_destroy(student* s); /* NULL is welcome */

ptrdiff_t student_noise_dimension(const student* s);
ptrdiff_t student_data_dimension(const student* s);

/* Samples first, first + 1, ... of a seed: n rows of data_dimension numbers. Allocates nothing. */
void student_sample(student* s, uint64_t seed, ptrdiff_t first, ptrdiff_t n, float* samples);

/* One step for noise of your own: n rows of noise_dimension numbers. Allocates nothing. */
void student_push(student* s, const float* noise, ptrdiff_t n, float* samples);

#ifdef __cplusplus
}
#endif

#endif
