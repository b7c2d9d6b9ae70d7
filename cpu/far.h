/* Far control transfers: CALL, JMP, RET, IRET, interrupts and exceptions, task switches.
 *
 * None of these functions changes guest-visible state before the last thing that can fault, but for
 * a task switch, which is committed when the new task's state begins to load: faults behind that
 * point belong to the new task (cpu->eip and the rest are the new task's then), and `committed`
 * says so.
 *
 * Source: Intel SDM volume 3A chapters 5 to 7; volume 2A, CALL, JMP, RET, INT n, IRET. */
#ifndef CPU_FAR_H
#define CPU_FAR_H

#include "cpu/segment.h"

/* --- stack frames: what a transfer pushes, checked as a whole and then written --- */

enum { FRAME_MAX = 40 }; /* 31 parameters, and SS, ESP, CS, EIP */

struct frame {
    struct segment ss; /* the stack it goes to */
    uint32_t esp;      /* before the first push */
    unsigned cpl;      /* privilege of the writes */
    uint32_t error;    /* of #SS when the room is not enough */
    unsigned size;     /* bytes of a push: 2 or 4 */
    unsigned count;
    uint32_t value[FRAME_MAX]; /* in the order of the pushes */
};

/* A frame on the present stack. */
void frame_begin(const struct cpu *cpu, struct frame *frame, unsigned size, uint32_t ext);
/* A frame on the stack that the TSS names for privilege level cpl; #TS, #SS by its checks. */
enum exec_result frame_begin_inner(struct cpu *cpu, struct frame *frame, unsigned size,
                                   unsigned cpl, uint32_t ext) MUST_CHECK;
void frame_push(struct frame *frame, uint32_t value);
/* Limit checks of all pushes: #SS(frame->error). */
enum exec_result frame_check_room(struct cpu *cpu, const struct frame *frame) MUST_CHECK;
/* Writes all of it, or faults and has written nothing. */
enum exec_result frame_write(struct cpu *cpu, struct frame *frame) MUST_CHECK;
/* Makes the frame's stack the present one. */
void frame_install(struct cpu *cpu, const struct frame *frame);

/* --- code segments --- */

/* Where a transfer goes: a code segment, checked, with its RPL set to the CPL to be. */
struct far_target {
    struct segment cs;
    uint32_t eip;
    unsigned cpl;
};

/* Loads CS, CPL and eip; cannot fault. */
void far_arrive(struct cpu *cpu, const struct far_target *target);
/* The last check: #GP(ext) when eip is outside of the limit. Marks the segment accessed. */
enum exec_result far_check_eip(struct cpu *cpu, struct far_target *target, uint32_t ext) MUST_CHECK;

/* --- events --- */

struct event {
    uint8_t vector;
    bool software;     /* INT n, INT3, INTO: the gate's DPL counts, EXT is 0 */
    bool is_int_n;     /* INT n (CD): V86 mode treats it specially */
    bool has_error;    /* push error */
    uint32_t error;    /* error code */
    bool resume;       /* RF is set in the image on the stack */
    uint32_t next_eip; /* the address to push */
    uint8_t kind;      /* enum delivery_kind */
    bool committed;    /* result: see above */
};

/* Calls the handler of event->vector through the IDT. */
enum exec_result event_deliver(struct cpu *cpu, struct event *event) MUST_CHECK;

/* --- tasks --- */

enum task_source { TASK_JUMP, TASK_CALL, TASK_EVENT, TASK_RETURN };

struct task_switch {
    uint16_t selector; /* of the new TSS */
    struct descriptor descriptor;
    enum task_source source;
    uint32_t next_eip; /* saved as the old task's */
    uint32_t ext;
    bool has_error; /* push error on the new task's stack */
    uint32_t error;
    bool committed; /* result */
};

enum exec_result task_switch(struct cpu *cpu, struct task_switch *task) MUST_CHECK;
/* Follows a task gate: checks the TSS selector in it, fills selector and descriptor. */
enum exec_result task_gate_target(struct cpu *cpu, const struct descriptor *gate, uint32_t ext,
                                  struct task_switch *task) MUST_CHECK;

/* --- instructions --- */

/* The result of an instruction that may have switched tasks: a fault in the new task is delivered
 * here, and the instruction has retired. */
enum exec_result far_finish(struct cpu *cpu, enum exec_result result, bool committed) MUST_CHECK;

#endif
