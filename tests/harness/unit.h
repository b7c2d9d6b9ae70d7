/* cmocka with the headers that it wants in front of it. Every unit test includes this first. */
#ifndef TESTS_HARNESS_UNIT_H
#define TESTS_HARNESS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#endif
