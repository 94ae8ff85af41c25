/* What entry.S and fast.S share: where things lie in struct thread (asserted in dispatch.c), and how the
 * guest's registers become a struct frame on the runtime's stack. */
#define THREAD_SAVED_RSP 8
#define THREAD_RUNTIME_STACK 16
#define THREAD_SIGNAL_PENDING 32
#define THREAD_SIGNALS_HELD 36
#define THREAD_FRAME 40
#define THREAD_NOT_ENTERED 48
#define THREAD_NEXT_WAIT_ENDS 56
#define THREAD_RESERVED_BASE 60
#define THREAD_FAST_RETURN 64
#define THREAD_FAST_NUMBER 72
#define THREAD_FAST_FLAGS 80
#define THREAD_SHOWN_CPU 88
#define RESERVED_DESCRIPTORS 11

/* %rcx: address after the guest's syscall; every other register is the guest's. */
    .macro push_frame
    movq %rsp, %gs:THREAD_SAVED_RSP
    movq %gs:THREAD_RUNTIME_STACK, %rsp
    pushq $0
    pushq %rax
    pushq %gs:THREAD_SAVED_RSP
    pushfq
    pushq %rcx
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %gs:THREAD_FRAME
    .endm
