"""The process engine: services as supervised processes of this machine, where no Docker can be had.

Theory of operation. Everything about the stacks of one home directory lies there as files: what a container
was made from (written once by whoever creates it), how it is (written by the supervisor alone), its log, its
volumes, the sockets by which services meet. Looking therefore needs nobody's answer. One supervisor per home
runs what runs: it is started when something is to be started or watched, serves a private control socket,
and ends when nothing is left to do. Its processes end with it, whatever ends it: the kernel kills them
(PR_SET_PDEATHSIG), so a record that says `running` is believed only while the supervisor answers.

A container here is a process with an environment, working directory and log of its own. It is no box:
`MISSING` says what nobody should expect.
"""

#: What containers give and processes do not; shown to users at `up` and by `status`.
MISSING = (
    "files: a service that is taken over can read and write all that you can",
    "network: it reaches the internet and this machine; egress/allow is not enforced",
    "processes: it runs as you, and can look into the others and end them",
    "limits: CPU and processes are not limited; memory is looked at every two seconds",
)
