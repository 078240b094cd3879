"""What an operator asks of the files for Kubernetes and Compose, field by field."""

import re
import shutil
import subprocess

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

# https://kubernetes.io/docs/concepts/security/pod-security-standards/: Baseline, then what Restricted adds.
HOST = ("hostNetwork", "hostPID", "hostIPC")
VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"
}  # fmt: skip


@pytest.fixture(scope="module")
def objects(serving_files):
    """{kind: the object} of kubernetes.yaml."""
    found = list(yaml.safe_load_all((serving_files / "kubernetes.yaml").read_text()))
    kinds = {each["kind"]: each for each in found}
    assert len(kinds) == len(found)
    return kinds


@pytest.fixture(scope="module")
def pod(objects):
    return objects["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def containers(pod):
    return [*pod["containers"], *pod.get("initContainers", []), *pod.get("ephemeralContainers", [])]


def test_the_pod_passes_the_baseline_standard(pod, containers):
    assert not any(pod.get(name) for name in HOST)
    assert not pod["securityContext"].get("sysctls") and "appArmorProfile" not in pod["securityContext"]
    assert not any("hostPath" in volume for volume in pod["volumes"])
    for container in containers:
        context = container["securityContext"]
        assert not context.get("privileged") and not context["capabilities"].get("add")
        assert context.get("procMount", "Default") == "Default" and "seLinuxOptions" not in context
        assert not any("hostPort" in port for port in container["ports"])
        probes = [container[name] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
        assert not any("host" in probe.get(kind, {}) for probe in probes for kind in ("httpGet", "tcpSocket"))


def test_the_pod_passes_the_restricted_standard(pod, containers):
    assert pod["securityContext"]["seccompProfile"]["type"] in ("RuntimeDefault", "Localhost")
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] > 0
    assert all(set(volume) - {"name"} <= VOLUMES for volume in pod["volumes"])
    for container in containers:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context.get("runAsNonRoot", True) is True and context.get("runAsUser", 1) > 0
        assert "seccompProfile" not in context


def test_nothing_can_be_written_but_tmp(pod, containers):
    kinds = {volume["name"]: next(iter(set(volume) - {"name"})) for volume in pod["volumes"]}
    for container in containers:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        for mount in container["volumeMounts"]:
            assert mount.get("readOnly") or (mount["mountPath"], kinds[mount["name"]]) == ("/tmp", "emptyDir")
    claims = [volume["persistentVolumeClaim"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume]
    assert claims == [{"claimName": "models", "readOnly": True}]


def test_the_access_mode_of_the_claim_is_said(serving_files):
    for name in ("kubernetes.yaml", "README.md"):
        assert "ReadOnlyMany" in (serving_files / name).read_text()


def test_resources_are_asked_for_and_limited(containers):
    for container in containers:
        for name in ("requests", "limits"):
            assert set(container["resources"][name]) == {"cpu", "memory", "ephemeral-storage"}


def test_a_pod_is_ready_when_its_model_is(containers):
    (container,) = containers
    status = {"path": "/v1/models/cvae/metadata", "port": "rest"}
    assert container["startupProbe"]["httpGet"] == container["readinessProbe"]["httpGet"] == status
    assert container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] >= 300
    assert container["livenessProbe"]["tcpSocket"] == {"port": "grpc"}  # a model that fails kills no server


def test_one_replica_stays_while_others_go(objects):
    deployment, budget = objects["Deployment"], objects["PodDisruptionBudget"]
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]
    assert 1 <= budget["spec"]["minAvailable"] < deployment["spec"]["replicas"]
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_pod_has_no_token_of_the_cluster(pod):
    assert pod["automountServiceAccountToken"] is False


def test_calls_come_in_on_two_ports_and_none_go_out(objects):
    policy = objects["NetworkPolicy"]["spec"]
    assert policy["podSelector"] == objects["Deployment"]["spec"]["selector"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"} and policy["egress"] == []
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == ["grpc", "rest"]


def test_images_are_pinned_to_a_version(serving_files):
    for name in ("kubernetes.yaml", "compose.yaml"):
        images = re.findall(r"image: (\S+)", (serving_files / name).read_text())
        assert images and all(re.fullmatch(r"tensorflow/serving:\d+\.\d+\.\d+", image) for image in images)


@pytest.fixture(scope="module")
def service(serving_files):
    return yaml.safe_load((serving_files / "compose.yaml").read_text())["services"]["serving"]


def test_compose_has_the_same_limits(service):
    assert not service["user"].startswith(("0", "root"))
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"] and "privileged" not in service
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert all(volume.endswith(":ro") for volume in service["volumes"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_compose_asks_for_the_status_of_the_model(service, server):
    first, *words = service["healthcheck"]["test"]
    assert first == "CMD"
    port = server.urls["rest"].rpartition(":")[2]
    for model, code in (("cvae", 0), ("unknown", 1)):
        changed = [word.replace("$$", "$").replace("8501", port).replace("cvae", model) for word in words]
        assert subprocess.run(changed, timeout=20).returncode == code


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
def test_kustomize_reads_the_files(serving_files):
    result = subprocess.run(["kubectl", "kustomize", str(serving_files)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    kinds = {each["kind"] for each in yaml.safe_load_all(result.stdout)}
    assert kinds == {"ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"}
