/* Calls that the host serves just as the guest asked: made at once, on the guest's own stack.
 *
 * A patched site arrives here first.  A call that has an entry in the personality's table of such calls
 * (generated: the host's number + 1, 0 for none) goes to the host with its registers as they are; any
 * other goes on to runtime_entry as if it had come there.  A first argument that may be one of the
 * runtime's descriptors is not looked at more closely: the slow way knows what it is.
 *
 * No signal waits for the end of such a call: it is the guest that makes it, as far as signals are
 * concerned.  fast_settle.c turns an address in here into one of the guest's:
 *   fast_entry .. fast_call   not begun yet: back to the guest's syscall
 *   fast_call                 begun by the host and to be restarted, when %rcx says so; else not begun
 *   fast_done .. fast_end     done: the result is in %rax up to fast_leave, behind it in %r11
 * From fast_error on it is the runtime that runs.
 */

#include "frame.h"

    .section .note.GNU-stack, "", @progbits
    .text

/* Arithmetic flags out of the thread's note; spoils %rax. */
    .macro restore_flags
    addb $0x7f, %al
    sahf
    .endm

    .globl fast_entry, fast_number_kept, fast_saved, fast_call, fast_done, fast_leave, fast_end
    .hidden fast_entry, fast_number_kept, fast_saved, fast_call, fast_done, fast_leave, fast_end
    .balign 64
fast_entry:
    movq %rcx, %gs:THREAD_FAST_RETURN
    movq %rax, %gs:THREAD_FAST_NUMBER
fast_number_kept:
    movq %rax, %rcx
    lahf
    seto %al
    movq %rax, %gs:THREAD_FAST_FLAGS
fast_saved:
    cmpq fast_limit(%rip), %rcx
    jae fast_slow
    movl %edi, %r11d
    subl %gs:THREAD_RESERVED_BASE, %r11d
    cmpl $RESERVED_DESCRIPTORS, %r11d
    jb fast_slow
    cmpl $0, %gs:THREAD_NEXT_WAIT_ENDS
    jne fast_slow
    movq fast_calls(%rip), %r11
    movzwl (%r11, %rcx, 2), %eax
    decl %eax
    js fast_slow
fast_call:
    syscall
fast_done:
    cmpq $-4096, %rax
    ja fast_failed
fast_leave:
    movq %rax, %r11
    movq %gs:THREAD_FAST_FLAGS, %rax
    andl fast_flags(%rip), %eax
    restore_flags
    movq %r11, %rax
    movq %gs:THREAD_FAST_RETURN, %rcx
    jmp *%rcx
fast_end:

/* An errno: as it is for a guest that speaks the host's language. */
fast_failed:
    cmpl $0, fast_errors(%rip)
    je fast_leave
    .globl fast_error
    .hidden fast_error
fast_error:
    movq %rax, %r11
    movq %gs:THREAD_FAST_FLAGS, %rax
    restore_flags
    movq %gs:THREAD_FAST_NUMBER, %rax
    movq %gs:THREAD_FAST_RETURN, %rcx
    push_frame
    cld
    movq %rsp, %rdi
    movq %r11, %rsi
    xorl %ebp, %ebp
    call runtime_fast_failed
    jmp leave_check

    .globl fast_slow, fast_slow_end
    .hidden fast_slow, fast_slow_end
fast_slow:
    movq %gs:THREAD_FAST_FLAGS, %rax
    restore_flags
    movq %gs:THREAD_FAST_NUMBER, %rax
    movq %gs:THREAD_FAST_RETURN, %rcx
    jmp runtime_entry
fast_slow_end:
