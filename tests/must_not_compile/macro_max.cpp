// expect: ^(In file included from[^\n]*\n|  +from[^\n]*\n)*[^\n]*config.hpp:[0-9:]+ error: (#error )?"min and max are macros, .*NOMINMAX
// lines: 15
// As <windows.h> does without NOMINMAX.
#include <algorithm>
#define max(a, b) (((a) > (b)) ? (a) : (b))
#include <kdm/kdm.hpp>

int main() {}
