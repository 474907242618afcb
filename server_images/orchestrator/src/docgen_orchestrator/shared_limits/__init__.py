"""Rates that hold over all orchestrators and their restarts: counted in one store, handed out in leases.

Theory of operation. The store (Valkey) has a bucket for each key and tool that a rate applies to. An
orchestrator takes a few tokens of a bucket at once, a lease, and hands them out without asking; when half of
them are gone it asks for more in the background. A token that is handed out was taken from the store before,
so all orchestrators together admit what the rate allows, and in any stretch of time at most one lease for
each of them more, which was taken before it began. A request for which no token is at hand waits until the
store has been asked, and nothing is refused on hearsay.

Leases are small (`leases.most_leased`): at most a sixteenth of the burst and never more than 64. They begin
with single tokens and grow while they are used up quickly. A bucket that runs low leases an eighth of the
rest at most, so the last tokens are never idle with one orchestrator while another refuses. What is not used
for half a second goes back.

The store may be away. Then each orchestrator judges by its share of every rate, as it does where there is no
store; the shares have gone down with every token that was handed out, so an outage is no new burst. What may
change something and has a rate is not let through at all: that would be uncounted writes. When the store is
back, it is told what was handed out without it.
"""
