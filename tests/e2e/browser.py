"""A real Chromium without a window, and what it says of a page."""

import base64
import contextlib
import json
import socket

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from urllib3.exceptions import HTTPError

from sandbox import free_ports, wait_for

PATIENCE = 120  # seconds, on a loaded machine
SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
            "--disable-component-update", "--no-first-run", "--window-size=1280,900")


class Browser:
    """Chromium, driven by chromedriver; both end with the sandbox."""

    def __init__(self, sandbox):
        port, = free_ports(1)
        sandbox.spawn(("chromedriver", f"--port={port}"), sandbox / "chromedriver.log", cwd=str(sandbox.path))
        options = webdriver.ChromeOptions()
        for switch in (*SWITCHES, f"--user-data-dir={sandbox.directory('chromium')}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        wait_for("chromedriver", lambda: self._listens(port), PATIENCE, 0.1)
        server = ChromiumRemoteConnection(f"http://127.0.0.1:{port}", "goog", "chrome", ignore_proxy=True)
        self.driver = webdriver.Remote(command_executor=server, options=options)
        sandbox.at_close(self._quit)
        self.driver.set_page_load_timeout(PATIENCE)
        self.driver.set_script_timeout(PATIENCE)

    @staticmethod
    def _listens(port):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    def _quit(self):
        with contextlib.suppress(WebDriverException, OSError, HTTPError):
            self.driver.quit()

    def command(self, name, **params):
        """A command of the DevTools protocol."""
        return self.driver.execute("executeCdpCommand", {"cmd": name, "params": params})["value"]

    def open(self, path, width=1280, dark=False, scripts=True):
        """Open a file in a window so wide."""
        self.command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.said()
        self.driver.get(path.as_uri())

    def said(self):
        """What the console has said since it was asked last, and the addresses that were fetched."""
        console = [entry["message"] for entry in self.driver.get_log("browser")]
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        fetched = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return console, fetched

    def run(self, script, *args):
        """The value of a script's body."""
        return self.driver.execute_script(script, *args)

    def text(self):
        return self.run("return document.body.innerText")

    def printed(self):
        """The page on paper, as PDF."""
        return base64.b64decode(self.command("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)["data"])
