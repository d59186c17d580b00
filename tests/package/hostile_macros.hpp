// Macros that other libraries leave behind, with their values: the library's headers must work behind them.
//
// Not here, because the library uses the names today: Qt's `slots`, Windows' `near`, `far` and `small`. Not here either:
// `min` and `max` of <windows.h>, which kdm/core/config.hpp refuses in a sentence.
#pragma once

// Qt, without QT_NO_KEYWORDS
#define signals public
#define emit
#define foreach(variable, container) for (variable : container)
#define forever for (;;)

// X11/X.h, X11/Xlib.h, X11/Xutil.h, X11/Xdefs.h
#define Above 0
#define Always 2
#define Below 1
#define Bool int
#define Complex 0
#define ControlMask (1 << 2)
#define Convex 2
#define CurrentTime 0L
#define CursorShape 0
#define DestroyAll 0
#define EvenOddRule 0
#define Expose 12
#define False 0
#define FocusIn 9
#define KeyPress 2
#define Never 0
#define None 0L
#define Nonconvex 1
#define Status int
#define Success 0
#define True 1
#define Unsorted 0

// windows.h and what it includes
#define CALLBACK
#define CONST const
#define DELETE (0x00010000L)
#define DIFFERENCE 11
#define DOMAIN 1
#define ERROR 0
#define FALSE 0
#define FAR
#define GetObject GetObjectA
#define IGNORE 0
#define IN
#define INFINITE 0xFFFFFFFF
#define LoadString LoadStringA
#define NEAR
#define NO_ERROR 0L
#define OPTIONAL
#define OUT
#define OVERFLOW 3
#define Polygon PolygonA
#define STRICT 1
#define TRUE 1
#define UNDERFLOW 4
#define VOID void
#define Yield()
#define cdecl
#define hyper __int64
#define interface struct
#define pascal

// sys/sysmacros.h of an old system, gcc with -std=gnu++20, logging and assertion headers
#define CHECK(condition)
#define DEBUG 1
#define FAIL() return
#define INFO 2
#define LOG(severity)
#define TEST(suite, name)
#define VERIFY(condition)
#define linux 1
#define unix 1
