/* Flags that the manuals leave undefined, as an Intel 386SX computed them: the figures are those
 * that the author of test386.asm measured and published in its test of undefined behaviour. Other
 * processors are checked for the defined flags only. Run alone: meson test -C build
 * bare-flags386-386 */
#include "rings.h"

enum { C = 1, P = 4, A = 0x10, Z = 0x40, S = 0x80, O = 0x800, ALL = C | P | A | Z | S | O };

struct flag_case {
    uint8_t code[4];    /* the instruction, and RET */
    uint32_t eax;       /* AL or AX in */
    uint8_t count;      /* CL in */
    uint16_t undefined; /* flags by the SDM */
    uint16_t in, out;
};

#define RETURN 0xC3
#define AAA                                                                                        \
    {                                                                                              \
        0x37, RETURN                                                                               \
    }
#define AAS                                                                                        \
    {                                                                                              \
        0x3F, RETURN                                                                               \
    }
#define DAA                                                                                        \
    {                                                                                              \
        0x27, RETURN                                                                               \
    }
#define DAS                                                                                        \
    {                                                                                              \
        0x2F, RETURN                                                                               \
    }
#define AAD                                                                                        \
    {                                                                                              \
        0xD5, 10, RETURN                                                                           \
    }
#define AAM                                                                                        \
    {                                                                                              \
        0xD4, 10, RETURN                                                                           \
    }
#define SHR_AL                                                                                     \
    {                                                                                              \
        0xD2, 0xE8, RETURN                                                                         \
    }
#define SHL_AL                                                                                     \
    {                                                                                              \
        0xD2, 0xE0, RETURN                                                                         \
    }
#define SHR_AX                                                                                     \
    {                                                                                              \
        0x66, 0xD3, 0xE8, RETURN                                                                   \
    }
#define SHL_AX                                                                                     \
    {                                                                                              \
        0x66, 0xD3, 0xE0, RETURN                                                                   \
    }
#define RCR_AL                                                                                     \
    {                                                                                              \
        0xD2, 0xD8, RETURN                                                                         \
    }
#define RCL_AL                                                                                     \
    {                                                                                              \
        0xD2, 0xD0, RETURN                                                                         \
    }
#define RCR_AX                                                                                     \
    {                                                                                              \
        0x66, 0xD3, 0xD8, RETURN                                                                   \
    }
#define RCL_AX                                                                                     \
    {                                                                                              \
        0x66, 0xD3, 0xD0, RETURN                                                                   \
    }
#define BT_AX                                                                                      \
    {                                                                                              \
        0x66, 0x0F, 0xA3, 0xC8                                                                     \
    } /* CX is the bit*/

static const struct flag_case decimal[] = {
    {AAA, 0x0000, 0, P | Z | S | O, 0,             P | Z            },
    {AAA, 0x0001, 0, P | Z | S | O, P | Z | S | O, 0                },
    {AAA, 0x007A, 0, P | Z | S | O, 0,             C | A | S | O    },
    {AAA, 0x007B, 0, P | Z | S | O, A,             C | P | A | S | O},
    {AAD, 0x0001, 0, C | A | O,     C | A | O,     0                },
    {AAD, 0x0D8E, 0, C | A | O,     0,             C | A | O        },
    {AAD, 0x0106, 0, C | A | O,     0,             A                },
    {AAD, 0x01F7, 0, C | A | O,     0,             C | A            },
    {AAM, 0x0000, 0, C | A | O,     0,             Z | P            },
    {AAM, 0x0000, 0, C | A | O,     C | A | O,     Z | P            },
    {AAS, 0x0000, 0, P | Z | S | O, S | O,         P | Z            },
    {AAS, 0x0000, 0, P | Z | S | O, A,             C | P | A | S    },
    {AAS, 0x0001, 0, P | Z | S | O, P | Z | S | O, 0                },
    {AAS, 0x0680, 0, P | Z | S | O, A,             C | A | O        },
    {DAA, 0x001A, 0, O,             A | O,         A                },
    {DAA, 0x001A, 0, O,             C,             C | A | S | O    },
    {DAS, 0x0080, 0, O,             O,             S                },
    {DAS, 0x0080, 0, O,             A,             A | O            },
};

static const struct flag_case shifts[] = {
    {SHR_AL, 0x81,   1,  A,         0, C | A | O        },
    {SHR_AL, 0x82,   2,  A | O,     0, C | A            },
    {SHR_AL, 0x80,   8,  A | O,     0, C | P | A | Z    },
    {SHR_AL, 0x00,   8,  A | O,     C, P | A | Z        },
    {SHR_AL, 0x80,   16, A | O | C, 0, C | P | A | Z    },
    {SHR_AL, 0x00,   16, A | O | C, C, P | A | Z        },
    {SHR_AL, 0x80,   24, A | O | C, 0, C | P | A | Z    },
    {SHR_AL, 0x00,   24, A | O | C, C, P | A | Z        },
    {SHR_AL, 0x80,   32, 0,         0, 0                },
    {SHR_AX, 0x8000, 16, A | O,     0, C | P | A | Z    },
    {SHR_AX, 0x0000, 16, A | O,     C, P | A | Z        },
    {SHR_AX, 0x8000, 32, 0,         0, 0                },
    {SHL_AL, 0x81,   1,  A,         0, C | A | O        },
    {SHL_AL, 0x41,   2,  A | O,     0, C | A | O        },
    {SHL_AL, 0x01,   8,  A | O,     0, C | P | A | Z | O},
    {SHL_AL, 0x00,   8,  A | O,     C, P | A | Z        },
    {SHL_AL, 0x01,   16, A | O | C, 0, C | P | A | Z | O},
    {SHL_AL, 0x00,   16, A | O | C, C, P | A | Z        },
    {SHL_AL, 0x01,   24, A | O | C, 0, C | P | A | Z | O},
    {SHL_AL, 0x00,   24, A | O | C, C, P | A | Z        },
    {SHL_AL, 0x01,   32, 0,         0, 0                },
    {SHL_AX, 0x0001, 16, A | O,     0, C | P | A | Z | O},
    {SHL_AX, 0x0000, 16, A | O,     C, P | A | Z        },
    {SHL_AX, 0x0001, 32, 0,         0, 0                },
};

static const struct flag_case rotates[] = {
    {RCR_AL, 0x00,   9,  O, 0,     0    },
    {RCR_AL, 0x00,   9,  O, C | O, C    },
    {RCR_AL, 0x40,   9,  O, 0,     O    },
    {RCR_AL, 0x40,   9,  O, C | O, C | O},
    {RCR_AX, 0x0000, 17, O, 0,     0    },
    {RCR_AX, 0x0000, 17, O, C | O, C    },
    {RCR_AX, 0x4000, 17, O, 0,     O    },
    {RCR_AX, 0x4000, 17, O, C | O, C | O},
    {RCL_AL, 0x00,   9,  O, 0,     0    },
    {RCL_AL, 0x00,   9,  O, C | O, C | O},
    {RCL_AL, 0x80,   9,  O, 0,     O    },
    {RCL_AL, 0x80,   9,  O, C | O, C    },
    {RCL_AX, 0x0000, 17, O, 0,     0    },
    {RCL_AX, 0x0000, 17, O, C | O, C | O},
    {RCL_AX, 0x8000, 17, O, 0,     O    },
    {RCL_AX, 0x8000, 17, O, C | O, C    },
};

static const struct flag_case bit_tests[] = {
    {BT_AX, 1, 0, O, 0, C},
    {BT_AX, 1, 0, O, C, C},
    {BT_AX, 1, 1, O, 0, O},
    {BT_AX, 1, 1, O, C, O},
    {BT_AX, 1, 2, O, 0, O},
    {BT_AX, 1, 2, O, C, O},
    {BT_AX, 1, 3, O, 0, 0},
    {BT_AX, 1, 3, O, C, 0},
};

static bool is_386;

static uint32_t run(const struct flag_case *test)
{
    static uint8_t code[8];
    uint32_t flags = 2 | test->in, eax = test->eax, ecx = test->count;
    memcpy(code, test->code, sizeof test->code);
    code[4] = RETURN;
    __asm__ volatile(
        "pushl %0\n"
        "popfl\n"
        "call *%3\n"
        "pushfl\n"
        "popl %0\n"
        : "+r"(flags), "+a"(eax), "+c"(ecx)
        : "r"(code)
        : "memory", "cc");
    return flags & ALL;
}

static void run_all(const char *where, const struct flag_case *tests, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t mask = is_386 ? ALL : ALL & ~tests[i].undefined;
        bare_check_equal((run(&tests[i]) & mask) | i << 16, (tests[i].out & mask) | i << 16, where,
                         "flags (the upper half is the number of the case)");
    }
}
#define RUN_ALL(where, tests) run_all((where), (tests), sizeof(tests) / sizeof *(tests))

void bare_tests(void)
{
    write_eflags(read_eflags() | FL_AC);
    is_386 = !(read_eflags() & FL_AC);
    write_eflags(2);
    RUN_ALL("386SX: AAA, AAS, AAD, AAM, DAA, DAS", decimal);
    RUN_ALL("386SX: SHL, SHR", shifts);
    RUN_ALL("386SX: RCL, RCR by the size and one", rotates);
    RUN_ALL("386SX: BT", bit_tests);
}
