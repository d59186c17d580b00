// expect: column-major|Eigen/Core
// lines: 45
#include "kdm/backend/eigen.hpp"

int main() {
  Eigen::MatrixXf x(3, 2);
  return int(kdm::as_view(x).rows);
}
