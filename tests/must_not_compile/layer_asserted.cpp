// expect: has_backward
// lines: 30
#include "kdm/backend/reference.hpp"
#include "kdm/nn/layer.hpp"

struct pass_through {
  kdm::index_t inputs() const { return 2; }
  kdm::index_t outputs() const { return 2; }
  kdm::index_t size() const { return 0; }
  void describe(kdm::manifest&, std::string_view) const {}

  template <kdm::backend B>
  struct frame {};
  template <kdm::backend B>
  frame<B> plan(kdm::arena<B>&, kdm::index_t, kdm::pass) const {
    return {};
  }
  template <class B>
  void forward(B&, kdm::const_view_of<B>, kdm::const_view_of<B>, kdm::view_of<B>, frame<B>&) const {}
};

static_assert(kdm::layer<pass_through, kdm::reference_backend<float>>);
