"""A headless Chromium, driven by its DevTools protocol through two pipes. The standard library is all it takes."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time

#: Where Debian's package has it.
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')

#: Commands come in by descriptor 3, and answers go out by 4.
START = """
import fcntl, os, sys
there, back = (fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3])
os.dup2(there, 3)
os.dup2(back, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page. A context manager: leaving it ends the browser.

    ``requests`` are the URLs that were asked for, ``said`` what its console and its log have.
    """

    def __init__(self, folder):
        self.requests, self.said, self._events = [], [], []
        self._number, self._held = 0, b''
        there, self._write = os.pipe()
        self._read, back = os.pipe()
        options = (
            '--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run '
            f'--disable-background-networking --disable-component-update --user-data-dir={folder} '
            '--remote-debugging-pipe about:blank'
        )
        command = [sys.executable, '-c', START, str(there), str(back), CHROMIUM, *options.split(' ')]
        silent = subprocess.DEVNULL
        self._process = subprocess.Popen(command, pass_fds=(there, back), stdout=silent, stderr=silent)
        os.close(there)
        os.close(back)

    def __enter__(self):
        try:
            target = self._ask('Target.createTarget', url='about:blank')['targetId']
            self._session = self._ask('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
            for domain in ('Page', 'Runtime', 'Log', 'Network'):
                self.ask(f'{domain}.enable')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        self._process.terminate()
        self._process.wait(60)
        os.close(self._read)
        os.close(self._write)

    def screen(self, width, height=900, scheme='light'):
        """A screen of this width, in CSS pixels, for readers who like it light or dark."""
        mobile = width < 600
        self.ask('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.ask('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])

    def open(self, url):
        """Load a page to its end."""
        self._events.clear()
        self.ask('Page.navigate', url=url)
        while not any(event['method'] == 'Page.loadEventFired' for event in self._events):
            self._receive()
        self.ask('Runtime.evaluate', expression='1')  # what the log has to say has come by then

    def value(self, expression):
        """What an expression of JavaScript is on the page."""
        found = self.ask('Runtime.evaluate', expression=expression, returnByValue=True)
        assert 'exceptionDetails' not in found, found
        return found['result'].get('value')

    def screenshot(self, path):
        """The whole page as a PNG."""
        found = self.ask('Page.captureScreenshot', captureBeyondViewport=True)
        with open(path, 'wb') as file:
            file.write(base64.b64decode(found['data']))

    def ask(self, method, **params):
        """One command, and its result."""
        return self._ask(method, self._session, **params)

    def _ask(self, method, session=None, **params):
        self._number += 1
        message = {'id': self._number, 'method': method, 'params': params}
        if session is not None:
            message['sessionId'] = session
        os.write(self._write, json.dumps(message).encode() + b'\0')
        while True:
            found = self._receive()
            if found.get('id') == self._number:
                assert 'error' not in found, found
                return found['result']

    def _receive(self, seconds=120):
        """The next message; events are kept."""
        end = time.monotonic() + seconds
        while b'\0' not in self._held:
            ready = select.select([self._read], [], [], max(0, end - time.monotonic()))[0]
            piece = os.read(self._read, 1 << 20) if ready else b''
            if not piece:
                raise TimeoutError(f'Chromium says nothing; it ended with {self._process.poll()}.')
            self._held += piece
        text, self._held = self._held.split(b'\0', 1)
        message = json.loads(text.decode())
        if 'method' in message:
            self._events.append(message)
            self._note(message['method'], message['params'])
        return message

    def _note(self, method, params):
        if method == 'Network.requestWillBeSent':
            self.requests.append(params['request']['url'])
        elif method == 'Runtime.consoleAPICalled':
            self.said.append(f'{params["type"]}: {params["args"]}')
        elif method == 'Log.entryAdded':
            self.said.append(f'{params["entry"]["level"]}: {params["entry"]["text"]}')
        elif method == 'Runtime.exceptionThrown':
            self.said.append(str(params['exceptionDetails']))
