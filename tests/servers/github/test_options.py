import pytest
from docgen_github.errors import NotConfigured
from docgen_github.options import read_options


def test_without_options_the_public_api_is_meant_and_nothing_is_allowed():
    options = read_options({})
    assert (options.api_url, options.policy.entries, options.problems) == ("https://api.github.com", (), ())


def test_the_path_of_github_enterprise_is_kept():
    options = read_options({"api_url": "https://ghe.example.com:8443/api/v3/"})
    assert options.api_url == "https://ghe.example.com:8443/api/v3"
    assert options.host == "ghe.example.com:8443"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://github.test",
        "https://user:pass@github.test",
        "https://github.test/?q=1",
        "https://github.test/#x",
        "https://github.test/../x",
        "https://github.test/%2e%2e",
        "https://",
        "https://github.test:99999",
        "api.github.com",
        7,
    ],
)
def test_a_url_that_cannot_be_a_base_closes_the_server(url: object):
    options = read_options({"api_url": url, "repositories": ["octo/demo"]})
    with pytest.raises(NotConfigured, match="servers/github/options/api_url") as caught:
        options.require_valid()
    assert "pass" not in str(caught.value)


def test_one_wrong_entry_closes_the_server_and_all_are_named():
    options = read_options({"repositories": ["octo/demo", "nonsense", 3]})
    with pytest.raises(NotConfigured, match=r"repositories/1.*repositories/2"):
        options.require_valid()
