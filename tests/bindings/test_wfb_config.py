"""Files of WFB-NG, read beside Python's own configparser and literal_eval; the verbs about them."""

import ast
import configparser
import json
import random
import shutil
import subprocess

import pytest
from twinbed import _twinbed
from twinbed.errors import ScenarioError

#: Files that Python reads, with what is peculiar to its rules.
FILES = [
    "[a]\nb = 1\n[c]\nD : 'x'   # comment\n",
    "[a]\nb = {'k': [1,\n   # a comment\n   0x1F, (2,), ()],\n\n   'l': None}\nc = 1.5e3\n",
    "[a]\nb =\n  5\n; comment\n # comment\nc = -1_000\n",
    "[a]\nb = '''one\n   two\n\n   # left out\n   three'''\n",
    "[a]\n  b = [1\n    , 2]\n  c = True\n[b]\n[a]\nd = r'\\n' \"\\n\" u'\\u00e9'\n",
    "[a]\nb = ('x'\n  'y')\nc = 'a=b:c#d;e'\nd=0o17\n",
    "[a]\r\nb = '\\x41\\101\\q'\r\nc = [True, False, [], {}]\r\n",
    "[a]\nb = .5\nc = 5.\nd = 0b101\ne = 1, 'two', \nf = (((1)))\n",
    "[a]\nb = 1 \\\n   , 2\n",
]


def as_python_reads(text):
    """Sections and keys as configparser and literal_eval have them, in the types of JSON."""
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return {
        section: {key: ast.literal_eval(value) for key, value in parser.items(section)}
        for section in parser.sections()
    }


def same(ours, theirs):
    """Whether they are equal, truth values told from numbers and whole numbers from others."""
    return json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)


@pytest.mark.parametrize("text", FILES)
def test_a_file_is_read_as_python_reads_it(text):
    assert same(json.loads(_twinbed.wfb_document_json(text)), as_python_reads(text))


def draw(random_source, depth):
    """A value of a kind that configurations have."""
    kind = random_source.randrange(8 if depth < 4 else 5)
    if kind == 0:
        return random_source.choice([True, False, None])
    if kind == 1:
        return random_source.randrange(-(2**40), 2**40)
    if kind == 2:
        return random_source.uniform(-1e6, 1e6)
    if kind in (3, 4):
        alphabet = "ab'\"\\#;%=: [](){}é✓\t\n"
        return "".join(random_source.choices(alphabet, k=random_source.randrange(12)))
    items = [draw(random_source, depth + 1) for _ in range(random_source.randrange(4))]
    if kind == 5:
        return items
    if kind == 6:
        return tuple(items)
    return {f"key{i}": item for i, item in enumerate(items)}


@pytest.mark.parametrize("seed", range(200))
def test_what_python_writes_is_read_back(seed):
    value = draw(random.Random(seed), 0)
    text = f"[section]\nkey = {value!r}\n"
    read = json.loads(_twinbed.wfb_document_json(text))
    assert same(read, {"section": {"key": value}})
    assert same(read, as_python_reads(text))


def test_what_python_refuses_is_refused():
    values = ["[1", "1 2", "tru", "'a", "{'a'}", "0123", "f'x'", "a.b", "1+", "[,]", "{,}", "--"]
    values += ["1\n  , 2", "1 \\\n  # gone"]
    for value in values:
        text = f"[section]\nkey = {value}\n"
        with pytest.raises(ScenarioError):
            _twinbed.wfb_document_json(text)
        if value != "{'a'}":  # a set, which configurations have no use for
            with pytest.raises((SyntaxError, ValueError)):
                as_python_reads(text)


@pytest.fixture
def cluster_files(root):
    """Two files of a cluster, the second one laid over the first."""
    folder = root / "tests/testdata/wfb_cluster"
    return folder / "gs_cluster.cfg", folder / "site.cfg"


def test_the_plan_of_a_cluster(twinbed_command, cluster_files):
    result = twinbed_command("wfb", "plan", *cluster_files)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[1].split() == [
        "gs",
        "video",
        "10000",
        "11000",
        "11000,11001",
    ]
    result = twinbed_command("wfb", "plan", *cluster_files, "--json")
    assert json.loads(result.stdout)[2]["injectors"]["10.77.0.12"] == [11004, 11005]
    result = twinbed_command("wfb", "plan", *cluster_files, "--commands")
    assert result.stdout.splitlines()[0].startswith("twinbed-node wfb-rx -a 10000 -p 0 ")


def test_yaml_has_the_sections_of_the_files(twinbed_command, cluster_files):
    result = twinbed_command("wfb", "to-yaml", *cluster_files)
    assert result.returncode == 0, result.stderr
    document = json.loads(_twinbed.document_json(result.stdout))
    assert document["cluster"]["nodes"]["10.77.0.12"]["wlans"] == ["wlan0", "wlan1"]
    assert document["gs"]["streams"][0]["fec_k"] == 8


def test_the_defaults_are_a_file_that_is_read(twinbed_command, tmp_path):
    result = twinbed_command("wfb", "defaults")
    path = tmp_path / "defaults.cfg"
    path.write_text(result.stdout)
    assert _twinbed.load_wfb_cluster([str(path)]) == _twinbed.load_wfb_cluster([])
    # Python reads it, too.
    assert as_python_reads(result.stdout)["gs"]["stats_port"] == 8003


def test_a_mistake_is_one_sentence_with_its_place(twinbed_command, tmp_path):
    path = tmp_path / "bad.cfg"
    path.write_text("[video]\nfec_k = 13\n")
    result = twinbed_command("wfb", "plan", path)
    assert result.returncode == 2
    assert f"error: {path}:2:9: fec_k 13 is more than fec_n 12;" in result.stderr


def test_an_unknown_node_is_answered_with_the_known_ones(twinbed_command, cluster_files):
    result = twinbed_command("wfb", "gen-init", "--node", "10.77.0.13", *cluster_files)
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == (
        "error: there is no node '10.77.0.13' in the cluster; its nodes are 10.77.0.11 and "
        "10.77.0.12"
    )
    assert result.stdout == ""


@pytest.mark.parametrize("node", ["10.77.0.11", "10.77.0.12"])
@pytest.mark.parametrize("is_for_ssh", [False, True])
@pytest.mark.parametrize("policy", ["original", "robust"])
def test_the_script_is_good_bash(cluster_files, tmp_path, node, is_for_ssh, policy):
    cluster = _twinbed.load_wfb_cluster([str(file) for file in cluster_files])
    script = cluster.node_script(node, ["gs"], policy=policy, is_for_ssh=is_for_ssh)
    path = tmp_path / "node.sh"
    path.write_text(script)
    result = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert cluster.init_digest(node, ["gs"]) in script
    assert ("--init-digest" in script) == (policy == "robust")
    if shutil.which("shellcheck"):
        result = subprocess.run(["shellcheck", path], capture_output=True, text=True, check=False)
        assert (result.returncode, result.stdout) == (0, "")


def test_nodes_that_send_reports_inject_for_each_stream(twinbed_command, cluster_files):
    def script(*options):
        words = ["wfb", "gen-init", "--node", "10.77.0.11", *options, *cluster_files]
        result = twinbed_command(*words)
        assert result.returncode == 0, result.stderr
        return result.stdout

    cluster = _twinbed.load_wfb_cluster([str(file) for file in cluster_files])
    streams = [stream for stream in cluster.plan(["gs"]) if stream.aggregator_port]
    assert script().count("wfb-tx -I") == len(streams)
    assert script("--no-adaptive").count("wfb-tx -I") < len(streams)
    assert script("--policy", "original") == script("--policy", "original", "--no-adaptive")
    digests = [
        cluster.init_digest("10.77.0.11", ["gs"], sends_reports=sends) for sends in (False, True)
    ]
    assert digests[0] in script("--no-adaptive")
    assert digests[1] in script()
    assert digests[0] != digests[1]


def test_ssh_is_told_the_port_under_robust_alone(cluster_files):
    cluster = _twinbed.load_wfb_cluster([str(file) for file in cluster_files])
    assert "2222" not in cluster.ssh_command("10.77.0.11", policy="original")
    words = cluster.ssh_command("10.77.0.11")
    assert words[words.index("-p") + 1] == "2222"
    assert cluster.ssh_command("10.77.0.12") is None


def test_ssh_itself_understands_the_command(tmp_path):
    if shutil.which("ssh") is None:
        pytest.skip("ssh is not installed")
    key = tmp_path / "wfb key"  # ssh passes over one that is not there
    key.touch()
    path = tmp_path / "ssh.cfg"
    path.write_text(
        "[cluster]\nserver_address = '10.77.0.1'\nssh_port = 2222\n"
        f"nodes = {{'10.77.0.11': {{'wlans': ['wlan0'], 'ssh_key': {str(key)!r}}}}}\n"
    )
    cluster = _twinbed.load_wfb_cluster([str(path)])
    program, *words = cluster.ssh_command("10.77.0.11")
    result = subprocess.run(
        [program, "-F", "none", "-G", *words], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    settings = set(result.stdout.splitlines())
    assert {"user root", "hostname 10.77.0.11", "port 2222", "identitiesonly yes"} <= settings
    assert {"passwordauthentication no", "kbdinteractiveauthentication no"} <= settings
    assert f"identityfile {key}" in settings


@pytest.mark.parametrize(
    "text",
    [
        "[a]\n" + "".join(f"key{i} = 1\n" for i in range(4999)),
        "[a]\nkey = {" + ",\n  ".join(f"'k{i}':1" for i in range(2400)) + "}\n",
        "[a]\nkey = " + "[" * 4000 + "\n",
        "[a]\nkey = '''" + "\n  x" * 60_000 + "'''\n",
        "".join(f"[section{i}]\n" for i in range(16_000)),
    ],
    ids=["keys", "dictionary", "brackets", "lines", "sections"],
)
def test_large_files_are_answered(text):
    assert len(text) <= 256 << 10
    try:
        assert _twinbed.wfb_document_json(text).startswith("{")
    except ScenarioError as error:
        assert "32 levels" in str(error)  # of the brackets alone
