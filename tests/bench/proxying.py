"""Messages a second through one Postfix with a milter that does nothing: behind mailwhyd's proxy, without it, and behind a relay that only reads and
writes (relay.c), which is what a proxy costs at the least. Once with a milter that takes the steps that mailwhyd's own takes ("noop"), and once with one
that takes the whole message ("whole"), each header and each piece of the body being asked about in turn. The messages go into a Maildir.

Three smtpd services take the same load from smtp-source, in turn; each message must leave its lines in the mail log."""

import dataclasses

from bench import Figure, alternate, compiled, ratio, require, say, wait_for_quiet
from sandbox import Sandbox, wait_for
from sessions import STORED, Bench, Load, median, milter_settings

DIRECT, WRAPPED, RELAYED = "direct", "wrapped", "relayed"
AIM = 0.95


MILTERS = {"noop": ([], "a milter that does nothing"), "whole": (["whole"], "one that takes it whole")}


def loads(quick, name, milter):
    services = (DIRECT, WRAPPED, RELAYED)
    return [Load(f"{name}.{size_name}", f"{size_name}, {milter}", ["-t", STORED, "-l", str(size)], count // (20 if quick else 1), True, services)
            for size_name, size, count in (("10 KiB", 10 << 10, 1000), ("1 MiB", 1 << 20, 150))]


def measure_load(bench, load, rounds):
    for service in load.services:
        bench.round(dataclasses.replace(load, sessions=20), service)
    wait_for_quiet(60 if rounds > 2 else 5)
    results = alternate(rounds, load.services, lambda service: bench.quiet_round(load, service))
    for service, its_rounds in results.items():
        say(f"{load.name}: {service:<8} {median(its_rounds, 'rate'):6.0f}/s  {1e6 * median(its_rounds, 'server_cpu'):6.0f} us of server CPU each"
            f"  mailwhyd's {1e6 * median(its_rounds, 'daemon_cpu'):5.0f}  others {100 * median(its_rounds, 'foreign'):.0f} %")
    name = f"proxying.{load.name.replace(' ', '')}"
    value, spread = ratio(*([one.rate for one in results[service]] for service in (WRAPPED, DIRECT)))
    least, least_spread = ratio(*([one.rate for one in results[service]] for service in (RELAYED, DIRECT)))
    cpu, cpu_spread = ratio(*([one.server_cpu for one in results[service]] for service in (DIRECT, WRAPPED)))
    return [Figure(name, f"messages of {load.what}, a second: with the proxy / without", value, AIM, note=spread),
            Figure(f"{name}.relay", f"messages of {load.what}, a second: with a bare relay / without", least, note=least_spread),
            Figure(f"{name}.cpu", f"messages of {load.what}, server CPU each: without / with", cpu, note=cpu_spread),
            Figure(f"{name}.daemon_us", f"messages of {load.what}: mailwhyd's CPU, us each", 1e6 * median(results[WRAPPED], "daemon_cpu"))]


def measure(quick):
    rounds, figures = 2 if quick else 7, []
    services = {service: milter_settings(f"unix:mailwhy/{socket}") for service, socket in ((DIRECT, "noop"), (WRAPPED, "wrapped"), (RELAYED, "relay"))}
    for name, (takes, milter) in MILTERS.items():
        with Sandbox(prefix="mailwhy-bench-") as sandbox:
            bench = Bench(sandbox, services, 'wrap noop { listen = "unix:DIRECTORY/wrapped" to = "unix:DIRECTORY/noop" }', takes)
            its = bench.daemon.directory
            sandbox.spawn([compiled("relay"), its / "relay", its / "noop"], sandbox / "relay-output")
            wait_for("the relay", (its / "relay").exists)
            for load in loads(quick, name, milter):
                figures += measure_load(bench, load, rounds)
            require(bench.daemon.count("proxied") <= 100, "proxied sessions stay behind")
    return figures
