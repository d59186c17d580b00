// See two_units_main.cpp.
#include "backward.inc"
#include "backward.inc"

int other_unit();

int other_unit() { return 0; }
