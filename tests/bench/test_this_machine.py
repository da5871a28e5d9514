from dataclasses import replace

from yanshi.bench.this_machine import BASE, CORES, measure_machine, measure_model, predict
from yanshi.ledger.catalog import Board
from yanshi.ledger.cores import CLOCK_MHZ, shapes, time_ms


def test_this_machine_is_a_board_that_can_be_reckoned_with():
    board = measure_machine()
    assert 1.0 < board.bandwidth_gb_s < 2000.0
    assert 0.005 < board.fp16_tflops_dense < 50.0
    assert board.memory_gb > 1.0


def test_a_token_and_a_prompt_of_our_base_take_time_of_their_own():
    token_ms, prompt_ms, read = measure_model()
    assert 0.1 < token_ms < 500.0
    assert -1000.0 < prompt_ms < 5000.0  # A difference of two times: noise may exceed it.
    assert 10 <= read <= 40


def test_a_prediction_goes_by_clock_and_memory():
    board = Board(id="mine", bandwidth_gb_s=1000.0, clock_mhz=CLOCK_MHZ)
    slow, narrow = replace(board, clock_mhz=CLOCK_MHZ / 2), replace(board, bandwidth_gb_s=1.0)
    for tokens in (0, 28):
        assert predict(board, tokens) == time_ms(shapes()[BASE], CORES, tokens)
        assert predict(slow, tokens) == 2.0 * predict(board, tokens)
    assert predict(replace(board, clock_mhz=None), 0) == predict(board, 0)
    assert 240.0 < predict(narrow, 0) < 255.0  # About 246 MB.
