/* Where a guest call enters the runtime and leaves it again, and the few host calls whose exact
 * instructions matter to the signal code.
 *
 * The guest's stack is never touched: its red zone and Go's tiny stacks forbid it.  %gs points at
 * the thread (struct thread in runtime.h; offsets asserted in dispatch.c).  %rcx and %r11 are free
 * on entry because a real syscall destroys them.
 *
 * Three ranges of instructions are known to signal.c by their labels:
 *   runtime_entry .. entry_end   nothing has happened yet: a signal rewinds to the guest's syscall
 *   leave_check .. leave_end     everything has happened: a signal goes back to leave_check
 *   safe_start .. safe_end       "check, then enter": a signal turns into RESTART
 */

#include "frame.h"

#define FRAME_RFLAGS 128
#define FRAME_RESTORE_ALL 152
#define ARITHMETIC_FLAGS 0xad7 /* CF PF AF ZF SF OF, and two that are always set */
#define HOST_RT_SIGRETURN 15
#define HOST_EXIT 60
#define HOST_MUNMAP 11
#define HOST_ARCH_PRCTL 158
#define ARCH_SET_GS 0x1001

    .section .note.GNU-stack, "", @progbits
    .text

    .globl _start
    .hidden _start
_start:
    xorl %ebp, %ebp
    movq %rsp, %rdi
    leaq _DYNAMIC(%rip), %rsi
    andq $-16, %rsp
    call runtime_boot               /* relocates itself, returns the runtime's stack */
    movq %rax, %rsp
    movq %rdx, %rdi
    call runtime_main
    ud2

/* %rcx: address after the guest's syscall; every other register is the guest's. */
    .globl runtime_entry, entry_end
    .hidden runtime_entry, entry_end
    .balign 64
runtime_entry:
    push_frame
entry_end:
    cld
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call runtime_dispatch

    /* Everything below the flags; %rcx ends as the address to go to. */
    .macro pop_registers
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rcx
    .endm

    .globl leave_check, leave_end
    .hidden leave_check, leave_end
leave_check:
    movq %gs:THREAD_FRAME, %rsp
    cmpq $0, %gs:THREAD_SIGNAL_PENDING   /* both words at once */
    jne leave_slow
    cmpq $0, FRAME_RESTORE_ALL(%rsp)
    jne leave_by_sigreturn
    /* popfq is microcode; arithmetic flags alone come back by sahf, overflow by an addition. */
    movq FRAME_RFLAGS(%rsp), %rcx
    testq $~ARITHMETIC_FLAGS, %rcx
    jne leave_with_flags
    movb %cl, %ah
    shrl $11, %ecx
    movb %cl, %al
    andb $1, %al
    addb $0x7f, %al
    sahf
    pop_registers
    leaq 8(%rsp), %rsp
    popq %rsp
    jmp *%rcx
leave_with_flags:
    pop_registers
    popfq
    popq %rsp
    jmp *%rcx
leave_by_sigreturn:
    movq FRAME_RESTORE_ALL(%rsp), %rsp
    movl $HOST_RT_SIGRETURN, %eax
    syscall
leave_end:
    ud2

leave_slow:
    movq %rsp, %rdi
    call runtime_leave_slow
    jmp leave_check

/* What the host calls for a signal: (signal, siginfo, ucontext), on the host's alternate stack. */
    .globl host_restorer
    .hidden host_restorer
host_restorer:
    movl $HOST_RT_SIGRETURN, %eax
    syscall
    ud2

    .globl host_call6, host_call6_plain
    .hidden host_call6, host_call6_plain
host_call6:
    cmpl $0, host_calls_wanted(%rip)
    jne host_call6_noted
host_call6_plain:
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %r10
    movq %r9, %r8
    movq 8(%rsp), %r9
    syscall
    ret

    .globl host_interruptible6_unshown
    .hidden host_interruptible6_unshown
    .globl host_interruptible6, host_interruptible6_plain, safe_start, safe_call, safe_end, safe_interrupted
    .hidden host_interruptible6, host_interruptible6_plain, safe_start, safe_call, safe_end, safe_interrupted
host_interruptible6:
    cmpl $0, host_calls_wanted(%rip)
    jne host_interruptible6_noted
host_interruptible6_plain:
    cmpq $0, %gs:THREAD_SHOWN_CPU
    jne host_while_off_cpu          /* next_wait.c */
host_interruptible6_unshown:
    cmpl $1, %gs:THREAD_NEXT_WAIT_ENDS
    je host_after_wake              /* next_wait.c */
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %r10
    movq %r9, %r8
    movq 8(%rsp), %r9
safe_start:
    cmpl $0, %gs:THREAD_SIGNAL_PENDING
    jne safe_not_entered
safe_call:
    syscall
safe_end:
    ret
safe_not_entered:
    movq $1, %gs:THREAD_NOT_ENTERED
safe_interrupted:
    movq $-512, %rax
    ret

/* long clone_onto(flags, stack, parent_tid, child_tid, tls): as clone, but the child goes to
 * new_thread_main(the word at the top of its new stack). */
    .globl clone_onto
    .hidden clone_onto
clone_onto:
    movq %rcx, %r10
    movl $56, %eax
    syscall
    testq %rax, %rax
    jz 1f
    ret
1:  xorl %ebp, %ebp
    movq (%rsp), %rdi
    call new_thread_main
    ud2

/* void unmap_and_exit(area, size): ends the thread whose stack is being unmapped. */
    .globl unmap_and_exit
    .hidden unmap_and_exit
unmap_and_exit:
    movl $HOST_MUNMAP, %eax
    syscall
    xorl %edi, %edi
    movl $HOST_EXIT, %eax
    syscall
    ud2

/* void release_and_exit(in_use): the same for one whose stack another thread gets. */
    .globl release_and_exit
    .hidden release_and_exit
release_and_exit:
    movl $0, (%rdi)
    xorl %edi, %edi
    movl $HOST_EXIT, %eax
    syscall
    ud2

/* void leave_to_guest(void): enter the guest at the thread's current frame. */
    .globl leave_to_guest
    .hidden leave_to_guest
leave_to_guest:
    jmp leave_check

/* Engine ptrace: the tracer sees the call's result here, %rdi = frame. */
    .globl trap_exit, trap_exit_end
    .hidden trap_exit, trap_exit_end
trap_exit:
    int3
trap_exit_end:
    ret

/* ---- guest memory --------------------------------------------------------------------------- */

    .macro guarded fault, fixup
    .pushsection exception_table, "a"
    .balign 4
    .long \fault - .
    .long \fixup - .
    .popsection
    .endm

/* int copy_guarded(to, from, n) */
    .globl copy_guarded
    .hidden copy_guarded
copy_guarded:
    movq %rdx, %rcx
    cmpq $16, %rdx
    jb 3f
    shrq $3, %rcx
    andl $7, %edx
    cmpq $64, %rcx
    ja 4f
1:  rep movsq
    movl %edx, %ecx
3:  rep movsb
    xorl %eax, %eax
    ret
4:  leaq (%rdx, %rcx, 8), %rcx
5:  rep movsb
    xorl %eax, %eax
    ret
9:  movl $-14, %eax
    ret
    guarded 1b, 9b
    guarded 3b, 9b
    guarded 5b, 9b

/* long string_guarded(to, from, room): length, -EFAULT or -ENAMETOOLONG */
    .globl string_guarded
    .hidden string_guarded
string_guarded:
    xorl %eax, %eax
1:  cmpq %rdx, %rax
    jae 3f
2:  movzbl (%rsi, %rax), %ecx
    movb %cl, (%rdi, %rax)
    testb %cl, %cl
    jz 4f
    incq %rax
    jmp 1b
3:  movq $-36, %rax
4:  ret
9:  movq $-14, %rax
    ret
    guarded 2b, 9b

/* int load_u32(from, to); load_u64; store_u32(to, value); store_u64 */
    .globl load_u32, load_u64, store_u32, store_u64
    .hidden load_u32, load_u64, store_u32, store_u64
load_u32:
1:  movl (%rdi), %eax
    movl %eax, (%rsi)
    xorl %eax, %eax
    ret
load_u64:
2:  movq (%rdi), %rax
    movq %rax, (%rsi)
    xorl %eax, %eax
    ret
store_u32:
3:  movl %esi, (%rdi)
    xorl %eax, %eax
    ret
store_u64:
4:  movq %rsi, (%rdi)
    xorl %eax, %eax
    ret
9:  movl $-14, %eax
    ret
    guarded 1b, 9b
    guarded 2b, 9b
    guarded 3b, 9b
    guarded 4b, 9b

/* int swap_u32(where, old, new, *seen); swap_u64 */
    .globl swap_u32, swap_u64
    .hidden swap_u32, swap_u64
swap_u32:
    movq %rcx, %r8
    movl %esi, %eax
1:  lock cmpxchgl %edx, (%rdi)
    movl %eax, (%r8)
    xorl %eax, %eax
    ret
swap_u64:
    movq %rcx, %r8
    movq %rsi, %rax
2:  lock cmpxchgq %rdx, (%rdi)
    movq %rax, (%r8)
    xorl %eax, %eax
    ret
9:  movl $-14, %eax
    ret
    guarded 1b, 9b
    guarded 2b, 9b

/* void save_xstate_to(area, mask_low, mask_high) and the state a signal handler starts with */
    .globl save_xstate_to, load_xstate, reset_xstate
    .hidden save_xstate_to, load_xstate, reset_xstate
save_xstate_to:
    movl %esi, %eax
    xsave64 (%rdi)
    ret
load_xstate:
    movl $-1, %eax
    movl $-1, %edx
    xrstor64 (%rdi)
    ret
reset_xstate:
    fninit
    ldmxcsr initial_mxcsr(%rip)
    ret
    .section .rodata
initial_mxcsr:
    .long 0x1f80
