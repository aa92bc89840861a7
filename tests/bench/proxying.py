"""Messages a second through one Postfix with a milter that does nothing but take the whole message: behind mailwhyd's proxy, and without it.

Two smtpd services take the same load from smtp-source, in turn; each message must leave its lines in the mail log."""

import dataclasses

from bench import Figure, alternate, ratio, require, say, wait_for_quiet
from mta import MAILBOX
from sandbox import Sandbox
from sessions import Bench, Load, median, milter_settings

DIRECT, WRAPPED = "direct", "wrapped"
AIM = 0.95


def loads(quick):
    services = (DIRECT, WRAPPED)
    return [Load(name, what, ["-t", MAILBOX, "-l", str(size)], count // (20 if quick else 1), True, services)
            for name, what, size, count in (("small", "messages of 10 KiB", 10 << 10, 3000), ("large", "messages of 1 MiB", 1 << 20, 300))]


def measure_load(bench, load, rounds):
    for service in load.services:
        bench.round(dataclasses.replace(load, sessions=20), service)
    wait_for_quiet(60 if rounds > 2 else 5)
    results = alternate(rounds, load.services, lambda service: bench.quiet_round(load, service))
    for service, its_rounds in results.items():
        say(f"{load.name}: {service:<8} {median(its_rounds, 'rate'):6.0f}/s  {1e6 * median(its_rounds, 'server_cpu'):6.0f} us of server CPU each"
            f"  mailwhyd's {1e6 * median(its_rounds, 'daemon_cpu'):5.0f}  others {100 * median(its_rounds, 'foreign'):.0f} %")
    value, spread = ratio(*([one.rate for one in results[service]] for service in (WRAPPED, DIRECT)))
    cpu, cpu_spread = ratio(*([one.server_cpu for one in results[service]] for service in (DIRECT, WRAPPED)))
    return [Figure(f"proxying.{load.name}", f"{load.what}, a second: with the proxy / without", value, AIM, note=spread),
            Figure(f"proxying.{load.name}.cpu", f"{load.what}, server CPU each: without / with the proxy", cpu, note=cpu_spread),
            Figure(f"proxying.{load.name}.daemon_us", f"{load.what}: mailwhyd's CPU, us each", 1e6 * median(results[WRAPPED], "daemon_cpu"))]


def measure(quick):
    rounds = 2 if quick else 7
    with Sandbox(prefix="mailwhy-bench-") as sandbox:
        bench = Bench(sandbox, {DIRECT: milter_settings("unix:mailwhy/noop"), WRAPPED: milter_settings("unix:mailwhy/wrapped")},
                      'wrap noop { listen = "unix:DIRECTORY/wrapped" to = "unix:DIRECTORY/noop" }', ["whole"])
        figures = [figure for load in loads(quick) for figure in measure_load(bench, load, rounds)]
        require(bench.daemon.count("proxied") <= 100, "proxied sessions stay behind")
        return figures
