// `using namespace kdm` next to the system headers that own short names (::index, ::y0, ::gamma, major, minor).
#include <math.h>
#include <signal.h>
#include <strings.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "forward.inc"

using namespace kdm;

// Each name must still mean the system's, without a word about ambiguity.
int main() {
  const char* found = index("kdm", 'd');
  const double bessel = y0(1.0) + y1(1.0) + j0(1.0) + j1(1.0) + jn(2, 1.0);
  const time_t now = time(nullptr);
  return found != nullptr && bessel == bessel && now > 0 && exp(0.0) == 1.0 && tanh(0.0) == 0.0 ? 0 : 1;
}
