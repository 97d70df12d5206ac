import socket
import subprocess
import sys

import pytest

from planwise.errors import Busy, InputError
from planwise.ports import require_free
from ui.serve import require_loopback, serve


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_addresses_of_this_machine_are_served(address):
    require_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.7", "example.org", ""])
def test_no_other_address_is_served_without_a_sign_in(address, tmp_path):
    with pytest.raises(InputError, match="no sign-in"):
        serve(address=address, browser=False, home=tmp_path)


def test_a_port_in_use_is_busy(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Busy, match=f"Port {port}"):
            serve(port=port, browser=False, home=tmp_path)
    require_free("127.0.0.1", port)


def test_the_command_line_does_not_import_panel():
    code = "import sys; from planwise.cli import run; run(['serve', '--help']); print('panel' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "--no-browser" in told
    assert told.splitlines()[-1] == "False"
