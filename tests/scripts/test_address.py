"""Where the broker is, from the environment alone."""

import pytest
from workbench import address


def test_the_default_is_guest_on_this_machine():
    assert address.broker_url({}) == "amqp://guest:guest@localhost:5672/%2F"
    assert address.management_url({}) == "http://localhost:15672"


def test_ports_move_both_addresses():
    environ = {"AMQP_PORT": "5700", "MANAGEMENT_PORT": "15700"}
    assert address.broker_url(environ) == "amqp://guest:guest@localhost:5700/%2F"
    assert address.management_url(environ) == "http://localhost:15700"


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "5672.0"])
def test_what_is_no_port_ends_with_a_sentence(value):
    with pytest.raises(SystemExit, match="AMQP_PORT is .* no port: set it"):
        address.broker_url({"AMQP_PORT": value})


def test_amqp_url_goes_before_the_ports():
    environ = {"AMQP_URL": "amqp://a:b@broker.example/v", "AMQP_PORT": "5700"}
    assert address.broker_url(environ) == "amqp://a:b@broker.example/v"
    assert address.management_url(environ) == "http://broker.example:15672"


def test_management_url_can_be_given_and_shows_no_password():
    environ = {"AMQP_URL": "amqps://a:b@broker.example/v", "MANAGEMENT_URL": "https://a:b@page.example/x/"}
    assert address.management_url(environ) == "https://page.example/x"


def test_an_ipv6_host_keeps_its_brackets():
    assert address.management_url({"AMQP_URL": "amqp://[::1]:5672"}) == "http://[::1]:15672"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://a:secret@h:1/v", "amqp://a:***@h:1/v"),
        ("amqp://a:se@cr:et@h/v", "amqp://a:***@h/v"),
        ("amqp://a@h/v", "amqp://a@h/v"),
        ("amqp://h", "amqp://h"),
        ("amqp://a:se/cret@h:1/v", "***"),
        ("amqp://a:se#cret@h/v", "***"),
        ("amqp://a:se?cret@h/v", "***"),
        ("amqp://a:se[cret@h/v", "***"),
        ("amqp://a:s@e/cret@h/v", "amqp://a:***@e/***"),
        ("amqp://a:secret", "***"),
        ("a:secret@h", "***"),
        ("amqps://a:secret@h/v?ssl_options={'password':'secret'}", "amqps://a:***@h/v?***"),
    ],
)
def test_a_password_is_never_shown(url, shown):
    assert address.hidden(url) == shown


UNREADABLE_PAGES = [
    "http://a:se/cret@h:15672",
    "http://a:se[cret@h",
    "http://a:secret",
    "page",
    "localhost:15672",
    "//localhost:15672",
    "http://:15672",
]


@pytest.mark.parametrize("url", UNREADABLE_PAGES)
def test_a_management_url_that_cannot_be_read_ends_with_a_sentence(url):
    with pytest.raises(SystemExit, match="MANAGEMENT_URL cannot be read: write it as") as ended:
        address.management_url({"MANAGEMENT_URL": url})
    assert "cret" not in str(ended.value)


@pytest.mark.parametrize("vhost", ["/", "lesson", "a/b", "%2F", "ü"])
def test_a_vhost_survives_the_url(vhost):
    assert address.vhost_of(address.with_vhost("amqp://h:1/other", vhost)) == vhost


def test_a_url_without_a_vhost_means_the_slash():
    assert address.vhost_of("amqp://h") == "/"
