/* MMX and SSE: availability, alignment, MXCSR, SIMD exceptions, registers shared with x87.
 * Run alone: meson test -C build bare-simd
 *
 * Bochs 2.7 passes it all. QEMU 7.2 raises no #XM and does not check reserved bits of MXCSR or the
 * alignment of packed operands: 24 checks fail there. */
#include "rings.h"

enum { CR0_MP = 2, CR0_EM = 4, CR0_TS = 8, CR0_NE = 32, CR4_OSFXSR = 512, CR4_OSXMMEXCPT = 1024 };
enum { FEATURE_MMX = 1 << 23, FEATURE_SSE = 1 << 25, FEATURE_SSE2 = 1 << 26 };

static void set_mode(uint32_t cr0, uint32_t cr4)
{
    write_cr0((read_cr0() & ~(uint32_t)(CR0_MP | CR0_EM | CR0_TS)) | CR0_NE | cr0);
    write_cr4((read_cr4() & ~(uint32_t)(CR4_OSFXSR | CR4_OSXMMEXCPT)) | cr4);
}

static uint32_t get_mxcsr(void)
{
    uint32_t value;
    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

static void set_mxcsr(uint32_t value)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(value));
}

static uint32_t block[8] __attribute__((aligned(32)));
static const uint32_t one = 0x3F800000, zero, three = 0x40400000, huge = 0x7F000000,
                      tiny = 0x00800000, denormal = 1, signalling = 0x7F800001;

/* --- availability: SDM 3A table 13-1, section 12.1 --- */

static void do_mmx(void *unused)
{
    __asm__ volatile("paddb %mm1, %mm0");
}
static void do_emms(void *unused)
{
    __asm__ volatile("emms");
}
static void do_sse(void *unused)
{
    __asm__ volatile("addps %xmm1, %xmm0");
}
static void do_sse_mmx(void *unused)
{
    __asm__ volatile("pshufw $0, %mm1, %mm0");
}
static void do_fence(void *unused)
{
    __asm__ volatile("sfence; prefetchnta %0" : : "m"(block));
}
static void do_ldmxcsr(void *value)
{
    __asm__ volatile("ldmxcsr (%0)" : : "r"(value));
}

enum { NONE = 99, UD = 6, NM = 7 };
static uint32_t vector_of(void (*function)(void *), void *argument)
{
    return bare_try(function, argument) ? bare_caught.vector : NONE;
}

static void test_availability(void)
{
    static const struct {
        uint32_t cr0, cr4, mmx, sse;
    } cases[] = {
        {0,               CR4_OSFXSR, NONE, NONE},
        {CR0_MP,          CR4_OSFXSR, NONE, NONE},
        {0,               0,          NONE, UD  },
        {CR0_TS,          CR4_OSFXSR, NM,   NM  },
        {CR0_TS,          0,          NM,   UD  },
        {CR0_EM,          CR4_OSFXSR, UD,   UD  },
        {CR0_EM | CR0_TS, CR4_OSFXSR, UD,   UD  },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_mode(cases[i].cr0, cases[i].cr4);
        CHECK_EQUAL("SDM 3A 12.1, MMX", vector_of(do_mmx, NULL), cases[i].mmx);
        CHECK_EQUAL("SDM 3A 12.1, EMMS", vector_of(do_emms, NULL), cases[i].mmx);
        CHECK_EQUAL("SDM 3A table 13-1, SSE", vector_of(do_sse, NULL), cases[i].sse);
        CHECK_EQUAL("SDM 3A table 13-1, LDMXCSR", vector_of(do_ldmxcsr, (void *)&block),
                    cases[i].sse);
        CHECK_EQUAL("SDM 2, PSHUFW obeys the MMX rules", vector_of(do_sse_mmx, NULL), cases[i].mmx);
        CHECK_EQUAL("SDM 2, SFENCE and PREFETCH always work", vector_of(do_fence, NULL), NONE);
    }
    set_mode(CR0_MP, CR4_OSFXSR | CR4_OSXMMEXCPT);
}

/* --- alignment: SDM 1, 11.4.1 --- */

static void load_aligned(void *at)
{
    __asm__ volatile("movaps (%0), %%xmm0" : : "r"(at));
}
static void store_aligned(void *at)
{
    __asm__ volatile("movaps %%xmm0, (%0)" : : "r"(at) : "memory");
}
static void load_any(void *at)
{
    __asm__ volatile("movups (%0), %%xmm0" : : "r"(at));
}
static void operate(void *at)
{
    __asm__ volatile("xorps (%0), %%xmm0" : : "r"(at));
}
static void operate_scalar(void *at)
{
    __asm__ volatile("addss (%0), %%xmm0" : : "r"(at));
}
static void stream(void *at)
{
    __asm__ volatile("movntps %%xmm0, (%0)" : : "r"(at) : "memory");
}

static void test_alignment(void)
{
    uint8_t *at = (uint8_t *)block;
    RUNS("SDM 1, 11.4.1, MOVAPS", bare_try(load_aligned, at));
    FAULTS("SDM 1, 11.4.1, MOVAPS", bare_try(load_aligned, at + 4), 13, 0);
    FAULTS("SDM 1, 11.4.1, MOVAPS to memory", bare_try(store_aligned, at + 8), 13, 0);
    RUNS("SDM 1, 11.4.1, MOVUPS", bare_try(load_any, at + 1));
    FAULTS("SDM 1, 11.4.1, packed operand", bare_try(operate, at + 8), 13, 0);
    RUNS("SDM 1, 11.4.1, scalar operand", bare_try(operate_scalar, at + 1));
    FAULTS("SDM 2, MOVNTPS", bare_try(stream, at + 4), 13, 0);
}

/* --- MXCSR and SIMD exceptions: SDM 1, 11.5 and 11.6 --- */

static void divide(void *divisor)
{
    __asm__ volatile("movss %1, %%xmm0; divss (%0), %%xmm0" : : "r"(divisor), "m"(one));
}
static void multiply(void *factor)
{
    __asm__ volatile("movss (%0), %%xmm0; mulss (%0), %%xmm0" : : "r"(factor));
}

static uint32_t low_of_xmm0(void)
{
    uint32_t value;
    __asm__ volatile("movss %%xmm0, %0" : "=m"(value));
    return value;
}

static void test_exceptions(void)
{
    uint32_t reserved = 0x10000, good = 0x1F80;
    FAULTS("SDM 1, 11.6.6, reserved bits of MXCSR", bare_try(do_ldmxcsr, &reserved), 13, 0);
    RUNS("SDM 2, LDMXCSR", bare_try(do_ldmxcsr, &good));
    divide((void *)&zero);
    CHECK_EQUAL("SDM 1, 11.5.2, masked #Z", get_mxcsr(), 0x1F84);
    CHECK_EQUAL("SDM 1, 11.5.2, infinity", low_of_xmm0(), 0x7F800000);
    divide((void *)&three);
    CHECK_EQUAL("SDM 1, 10.2.3, flags are sticky", get_mxcsr(), 0x1FA4);
    multiply((void *)&signalling);
    CHECK_EQUAL("SDM 1, 11.5.2, SNaN becomes quiet", low_of_xmm0(), 0x7FC00001);
    static const struct {
        const char *name;
        const uint32_t *operand;
        void (*function)(void *);
        uint32_t mxcsr, flags;
    } cases[] = {
        {"#Z", &zero,       divide,   0x1F80 & ~0x200u,  0x04},
        {"#I", &signalling, multiply, 0x1F80 & ~0x080u,  0x01},
        {"#D", &denormal,   multiply, 0x1F80 & ~0x100u,  0x02},
        {"#O", &huge,       multiply, 0x1F80 & ~0x400u,  0x08},
        {"#U", &tiny,       multiply, 0x1F80 & ~0x800u,  0x10},
        {"#P", &three,      divide,   0x1F80 & ~0x1000u, 0x20},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_mxcsr(cases[i].mxcsr);
        FAULTS("SDM 1, 11.5.3, unmasked: #XM",
               bare_try(cases[i].function, (void *)cases[i].operand), 19, 0);
        CHECK_EQUAL(cases[i].name, get_mxcsr() & cases[i].flags, cases[i].flags);
    }
    set_mode(CR0_MP, CR4_OSFXSR);
    set_mxcsr(0x1F80 & ~0x200u);
    FAULTS("SDM 3A 2.5, OSXMMEXCPT clear: #UD", bare_try(divide, (void *)&zero), 6, 0);
    set_mode(CR0_MP, CR4_OSFXSR | CR4_OSXMMEXCPT);
    set_mxcsr(0x1F80 | 0x8000);
    multiply((void *)&tiny);
    CHECK_EQUAL("SDM 1, 10.2.3.3, flush to zero", low_of_xmm0(), 0);
    CHECK_EQUAL("SDM 1, 10.2.3.3, flags", get_mxcsr() & 0x3F, 0x30);
    set_mxcsr(0x1F80);
}

/* The destination keeps its value when a lane faults. */
static uint32_t lanes[4] __attribute__((aligned(16)));
static void divide_lanes(void *divisors)
{
    __asm__ volatile("movups %1, %%xmm0; divps (%0), %%xmm0" : : "r"(divisors), "m"(lanes));
}

static void test_packed_exceptions(void)
{
    static const uint32_t divisors[4]
        __attribute__((aligned(16))) = {0x40000000, 0, 0x40400000, 0x40000000};
    for (unsigned i = 0; i < 4; i++)
        lanes[i] = one;
    set_mxcsr(0x1F80 & ~0x200u);
    FAULTS("SDM 1, 11.5.3, one lane", bare_try(divide_lanes, (void *)divisors), 19, 0);
    CHECK_EQUAL("SDM 1, 11.5.3, nothing is written", low_of_xmm0(), one);
    CHECK_EQUAL("SDM 1, 11.5.3, no lane's inexactness is flagged", get_mxcsr() & 0x3F, 4);
    set_mxcsr(0x1F80);
    divide_lanes((void *)divisors);
    CHECK_EQUAL("SDM 1, 11.5.2, all lanes' flags", get_mxcsr() & 0x3F, 0x24);
}

/* --- MMX in the x87 registers: SDM 3A 12.2, table 12-1 --- */

static uint16_t fpu_words[54];

static void test_sharing(void)
{
    uint32_t low;
    __asm__ volatile("fninit; fld1; fld1; movd %1, %%mm3; movd %%mm3, %0; fnsave %2"
                     : "=r"(low)
                     : "r"(0x12345678), "m"(fpu_words)
                     : "memory");
    CHECK_EQUAL("SDM 2, MOVD", low, 0x12345678);
    CHECK_EQUAL("SDM 3A table 12-1, TOP", fpu_words[2] >> 11 & 7, 0);
    CHECK_EQUAL("SDM 3A table 12-1, tags", fpu_words[4] == 0xFFFF, 0);
    CHECK_EQUAL("SDM 3A 12.2, significand", fpu_words[14 + 15], 0x5678);
    CHECK_EQUAL("SDM 3A 12.2, exponent is ones", fpu_words[14 + 15 + 4], 0xFFFF);
    __asm__ volatile("frstor %0; emms; fnsave %0" : "+m"(fpu_words));
    CHECK_EQUAL("SDM 3A table 12-1, EMMS empties", fpu_words[4], 0xFFFF);
}

static void mmx_after_error(void *unused)
{
    static const uint16_t control = 0x037B;
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp %%st, %%st(1); paddb %%mm0, %%mm0"
                     :
                     : "m"(control));
}

static void xmm_state(void *area)
{
    __asm__ volatile(
        "movups %0, %%xmm5; fxsave (%1); xorps %%xmm5, %%xmm5; fxrstor (%1); movups %%xmm5, %0"
        : "+m"(lanes)
        : "r"(area)
        : "memory");
}

static void xmm_state_restore(void *area)
{
    __asm__ volatile("fxrstor (%0)" : : "r"(area) : "memory");
}

static void test_state(void)
{
    static uint8_t area[512] __attribute__((aligned(16)));
    FAULTS("SDM 3A 12.5, a pending x87 exception", bare_try(mmx_after_error, NULL), 16, 0);
    __asm__ volatile("fninit");
    for (unsigned i = 0; i < 4; i++)
        lanes[i] = 0x11111111 * (i + 1);
    xmm_state(area);
    CHECK_EQUAL("SDM 2, FXSAVE and FXRSTOR, XMM5", lanes[3], 0x44444444);
    CHECK_EQUAL("SDM 2, FXSAVE, XMM5 at 240", *(uint32_t *)(area + 160 + 80), 0x11111111);
    CHECK_EQUAL("SDM 2, FXSAVE, MXCSR", *(uint32_t *)(area + 24), get_mxcsr());
    CHECK_EQUAL("SDM 1, 11.6.6, MXCSR_MASK", *(uint32_t *)(area + 28),
                ring_features() & FEATURE_SSE2 ? 0xFFFF : 0xFFBF);
    *(uint32_t *)(area + 24) = 0xFFFF0000;
    FAULTS("SDM 2, FXRSTOR, reserved bits of MXCSR", bare_try(xmm_state_restore, area), 13, 0);
}

void bare_tests(void)
{
    uint32_t features = ring_features();
    if (!(features & FEATURE_MMX) || !(features & FEATURE_SSE))
        bare_fail("this processor model has no MMX or SSE");
    *(uint32_t *)block = 0x1F80;
    test_availability();
    __asm__ volatile("fninit; emms");
    test_alignment();
    test_exceptions();
    test_packed_exceptions();
    test_sharing();
    test_state();
}
