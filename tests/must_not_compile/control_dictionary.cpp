#include "kdm/fit/dictionaries/dictionaries.hpp"

struct squares {
  kdm::index_t inputs() const { return 2; }
  kdm::index_t features() const { return 2; }
  void evaluate(kdm::const_view<double>, kdm::view<double>) const {}
};

struct smooth_squares : squares {
  void derivatives(kdm::const_view<double>, kdm::const_view<double>, kdm::view<double>, kdm::view<double>) const {}
};

void lift(const kdm::dictionary auto&) {}
void differentiate(const kdm::differentiable_dictionary auto&) {}

int main() {
  lift(squares{});
  lift(kdm::stacked(squares{}, smooth_squares{}));  // + is found for dictionaries of the library alone
  lift(squares{} + kdm::identity_dictionary(2));
  differentiate(smooth_squares{});
  differentiate(smooth_squares{} * kdm::identity_dictionary(2));
}
