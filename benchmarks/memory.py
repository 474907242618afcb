"""Memory of an idle stack: the proportional share (PSS) of every process, by service and in total.

Read inside the containers, so it needs no rights on the host. A page that containers of one image share is
counted in parts; with other stacks of the same images running, the parts are smaller.
"""

import time

from _stack import Probe, bench_stack

from docgenctl.engine.discovery import connect

IDLE_S = 5
SERVERS = ("main", "github", "orchestrator")
#: One line a process: its name and its PSS in kB; the reader itself and what it starts are left out.
READ = r"""
for process in /proc/[0-9]*; do
  pid=${process#/proc/}
  [ "$pid" = "$$" ] && continue
  pss=0
  while read -r key value _; do [ "$key" = "Pss:" ] && pss=$value; done 2>/dev/null <"$process/smaps_rollup"
  name=; { read -r name <"$process/comm"; } 2>/dev/null
  echo "$name $pss"
done
"""


def main() -> None:
    """Start, call a tool, let it rest, measure, print."""
    with bench_stack() as stack:
        stack.docgenctl("up")
        Probe(stack.endpoint()).wait()
        time.sleep(IDLE_S)
        engine = connect(stack.environ)
        try:
            total = 0.0
            for container in sorted(engine.observe(stack.project).containers, key=lambda c: c.service):
                read = engine.execute(container.id, ("bash", "-c", READ))
                processes = [line.rpartition(" ") for line in read.output.splitlines() if " " in line]
                mebibytes = sum(int(kilobytes) for _, _, kilobytes in processes) / 1024
                total += mebibytes
                claim = "   (claim: below 80)" if container.service in SERVERS else ""
                print(f"{container.service:<14}{mebibytes:7.1f} MiB{claim}")
            print(f"{'whole stack':<14}{total:7.1f} MiB   (claim: below 300)")
        finally:
            engine.close()


if __name__ == "__main__":
    main()
