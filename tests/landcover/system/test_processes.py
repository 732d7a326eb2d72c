import torch

from landcover.system.processes import Processes, process_group


def test_processes_share_everything_and_nothing_twice():
    processes = [Processes(rank, 3) for rank in range(3)]
    shares = [process.shard(range(10)) for process in processes]
    assert sorted(item for share in shares for item in share) == list(range(10))
    parts = [list(range(12))[process.slice_of(12)] for process in processes]
    assert [item for part in parts for item in part] == list(range(12))
    assert [process.is_main for process in processes] == [True, False, False]


def test_a_process_by_itself_has_all_and_waits_for_nobody():
    with process_group(torch.device("cpu")) as alone:
        tensor = torch.ones(3, requires_grad=True)
        assert alone == Processes(0, 1)
        assert list(alone.shard([1, 2])) == [1, 2]
        assert alone.differentiable_sum(tensor) is tensor
        assert alone.all_reduce(tensor).tolist() == alone.all_gather(tensor)[0].tolist() == [1, 1, 1]
        assert alone.broadcast_object("x") == "x"
        alone.barrier()
