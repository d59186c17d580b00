// The wrapper around a frozen student. Built without exceptions: a mistake then calls kdm::on_failure.
//   g++ -std=c++20 -O2 -fno-exceptions -fno-rtti -c student.cpp
//   gcc -std=c11 -O2 -c main.c
//   g++ main.o student.o -o sampler
//
// weights.hpp comes from `kdm export --model model --header weights.hpp --name board`; put yours in its place.
#include "student.h"

#include <new>

#include <kdm/koopman/frozen.hpp>

#include "weights.hpp"

struct student {
  kdm::frozen_model<float> model{board::compiled};
};

extern "C" {

void student_on_failure(void (*handler)(const char* sentence)) { kdm::on_failure = handler; }

student* student_create() { return new student; }
void student_destroy(student* s) { delete s; }

ptrdiff_t student_noise_dimension(const student* s) { return s->model.noise_dimension(); }
ptrdiff_t student_data_dimension(const student* s) { return s->model.data_dimension(); }

void student_sample(student* s, uint64_t seed, ptrdiff_t first, ptrdiff_t n, float* samples) {
  s->model.sample(seed, first, kdm::view<float>{samples, n, s->model.data_dimension()});
}

void student_push(student* s, const float* noise, ptrdiff_t n, float* samples) {
  s->model.push(kdm::const_view<float>{noise, n, s->model.noise_dimension()},
                kdm::view<float>{samples, n, s->model.data_dimension()});
}
}
