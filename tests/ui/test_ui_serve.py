import socket
import subprocess
import sys

import pytest

from planwise.errors import Busy, InputError
from planwise.processes import require_free_port
from ui.serve import serve


def test_no_address_that_others_reach_is_served_without_a_sign_in(tmp_path):
    with pytest.raises(InputError, match="sign-in is off"):
        serve(address="0.0.0.0", browser=False, home=tmp_path)


def test_a_sign_in_without_users_is_not_served(tmp_path):
    with pytest.raises(InputError, match="no users"):
        serve(auth="basic", browser=False, home=tmp_path)


def test_a_certificate_needs_its_key(tmp_path):
    with pytest.raises(InputError, match="and its key"):
        serve(tls_certificate=tmp_path / "c.pem", browser=False, home=tmp_path)


def test_a_port_in_use_is_busy(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Busy, match=f"Port {port}"):
            serve(port=port, browser=False, home=tmp_path)
    require_free_port("127.0.0.1", port)


def test_the_command_line_does_not_import_panel():
    code = "import sys; from planwise.cli import main; main(['serve', '--help'])"
    code = f"try:\n    {code}\nexcept SystemExit:\n    print('panel' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "--no-browser" in told
    assert "--auth" in told
    assert told.splitlines()[-1] == "False"
