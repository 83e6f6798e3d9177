from command_runs import Runner


def test_no_gateway_is_told_without_a_traceback(run: Runner) -> None:
    result = run("reload", "--gateway", "http://127.0.0.1:1")

    assert result.code == 1
    assert "no gateway answers at http://127.0.0.1:1/admin/reload" in result.err


def test_a_key_that_is_not_there_is_told(run: Runner) -> None:
    assert run("reload", "--key-env", "NO_SUCH_VARIABLE_HERE").code == 2
