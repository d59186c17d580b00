// expect: as_view
// lines: 30
#include "kdm/core/as_view.hpp"

int main() { return int(kdm::as_view(std::vector<float>(3)).rows); }
