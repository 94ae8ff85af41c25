"""The virtual-machine style: monitors that execute real guest code, KVM, and simulators of what monitors do.

Unicorn and capstone execute and decode the guests (`pip install 'guise[machine]'`); /dev/kvm, where there
is one, runs the same bytes on the processor.  Nothing here imports personality.
"""
