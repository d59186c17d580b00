// expect: xtensor container is column-major
// lines: 45
#include "kdm/backend/xtensor.hpp"

int main() {
  xt::xtensor<float, 2, xt::layout_type::column_major> x;
  return int(kdm::as_view(x).rows);
}
