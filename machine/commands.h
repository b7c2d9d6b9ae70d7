/* Inside machine/: the functions behind the rows of the command table, by family. Rows that share a
 * function tell themselves apart by command->variant. */
#ifndef MACHINE_COMMANDS_H
#define MACHINE_COMMANDS_H

#include "machine/job.h"

typedef enum command_outcome command_function(struct machine *machine, struct job *job);

/* commands_input.c: what a person at the machine does. */
command_function command_type, command_key, command_serial, command_mouse, command_mouse_button,
    command_pointer, command_button, command_media, command_change, command_rate;
/* commands_look.c: what can be seen. */
command_function command_screenshot, command_frame, command_print_screen, command_print_text,
    command_state, command_dump, command_regs, command_memory, command_poke, command_disassemble;
/* commands_tables.c: what the processor looks at, and did. */
command_function command_pages, command_table, command_registers, command_stack, command_interrupts,
    command_crash;
/* commands_chips.c */
command_function command_devices, command_device;
/* commands_run.c: how the run goes. */
command_function command_wait, command_sleep, command_pause, command_cont, command_step,
    command_quit, command_save_state, command_keep, command_fork, command_stop, command_session,
    command_status, command_stats, command_help, command_version, command_record;

/* commands_history.c: the machine's past. */
command_function command_seek, command_live, command_checkpoint, command_history, command_split;
bool command_check_seek(const struct command_call *call, struct error *err);

enum wait_variant { WAIT_SCREEN, WAIT_SERIAL, WAIT_SERIAL2, WAIT_DEBUGCON, WAIT_HALT, WAIT_POST };
enum button_variant { BUTTON_POWER, BUTTON_RESET, BUTTON_NMI };
enum media_variant { MEDIA_INSERT, MEDIA_EJECT };
enum table_variant { TABLE_GDT, TABLE_LDT, TABLE_IDT, TABLE_TSS };
enum key_variant { KEY_GOES_DOWN, KEY_GOES_UP };

#endif
