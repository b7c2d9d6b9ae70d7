/* What the 16-bit parts of the firmware offer each other. */
#ifndef BIOS_SERVICES_H
#define BIOS_SERVICES_H

#include "bios/far.h"

static inline void carry_set(struct regs *r)
{
    r->flags |= FLAG_CF;
}

static inline void carry_clear(struct regs *r)
{
    r->flags &= (u16)~FLAG_CF;
}

static inline void zero_put(struct regs *r, bool zero)
{
    r->flags = zero ? r->flags | FLAG_ZF : (u16)(r->flags & ~FLAG_ZF);
}

/* console.c: text for a person at the screen, through INT 10h, and on the debug port 402h. */
void print(const char *text);
void print_char(char c);
void print_decimal(u32 value);
void print_hex(u32 value, u8 digits);

/* time.c. Busy waits; delay_ms lets interrupts in. */
void delay_us(u16 microseconds);
void delay_ms(u16 milliseconds);
/* A deadline: how many ticks of 40:6C have gone by since a moment, across midnight. */
u32 ticks_since(u32 start);
void time_service(struct regs *r);
void time_initialise(void);
void rtc_interrupt(struct regs *r);
/* INT 15h AH=83h and 86h. */
void wait_event(struct regs *r);
void wait_elapsed(struct regs *r);

/* keyboard.c, mouse.c: the 8042. Commands return false on time-out. */
void keyboard_initialise(void);
void keyboard_service(struct regs *r);
void keyboard_interrupt(struct regs *r);
bool kbc_command(u8 command);
bool kbc_data(u8 value);
bool kbc_read(u8 *value);
void mouse_initialise(void);
void mouse_service(struct regs *r);
void mouse_interrupt(struct regs *r);
void print_screen_service(struct regs *r);

/* system.c */
void equipment_service(struct regs *r);
void memory_service(struct regs *r);
void system_service(struct regs *r);
void unexpected_interrupt(struct regs *r);
void unexpected_slave_interrupt(struct regs *r);
void nmi_interrupt(struct regs *r);
void reboot(void) __attribute__((noreturn));

/* serial.c */
void serial_service(struct regs *r);
void printer_service(struct regs *r);
void serial_initialise(void);

/* pci_service.c */
void pci_service(struct regs *r);

/* floppy.c */
void floppy_initialise(void);
void floppy_service(struct regs *r);
void floppy_interrupt(struct regs *r);
u8 floppy_count(void);

/* disk.c, ide.c, cdrom.c: see disk.h. */
void disk_service(struct regs *r);
void ide_interrupt(struct regs *r);

/* boot.c */
void boot_start(void);
void boot_next(void);
void boot_jump(u16 segment, u16 offset, u8 drive) __attribute__((noreturn));

/* video/ */
void video_service(struct regs *r);
void video_initialise(void);

void post_main(void) __attribute__((noreturn));

#endif
