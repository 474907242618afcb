"""`up` of a stack that runs as configured: docgenctl, which calls tools as proof, and Compose `--wait`.

docgenctl has started the stack, so Compose finds it as it wants it, too. Interleaved; medians and the ratio.
`ROUNDS=n` changes the number of rounds.
"""

import os
import statistics

from _stack import bench_stack

ROUNDS = int(os.environ.get("ROUNDS", "9"))


def main() -> None:
    """Measure and print."""
    times: dict[str, list[float]] = {"docgenctl": [], "Compose": []}
    with bench_stack() as stack:
        stack.docgenctl("up")
        stack.compose("up", "--wait")  # until the engine has said healthy once
        for round_ in range(ROUNDS + 1):
            taken = {"docgenctl": stack.docgenctl("up"), "Compose": stack.compose("up", "--wait")}
            for name, seconds in taken.items():
                if round_:  # the first round warms the file cache
                    times[name].append(seconds)
    medians = {name: statistics.median(samples) for name, samples in times.items()}
    for name, seconds in medians.items():
        print(f"{name:<12}{seconds * 1000:8.0f} ms")
    print(f"docgenctl / Compose {medians['docgenctl'] / medians['Compose']:5.2f}   (claim: below 1)")


if __name__ == "__main__":
    main()
