"""What holds for all tests, wherever they are started from."""

import signal

pytest_plugins = ("tests.lanes",)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start what they put into the background with Ctrl-C ignored, and programs inherit that: whoever
    # interrupts one in a test would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
