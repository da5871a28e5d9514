from yanshi.bench.this_machine import measure_machine, measure_model


def test_this_machine_is_a_board_that_can_be_reckoned_with():
    board = measure_machine()
    assert 1.0 < board.bandwidth_gb_s < 2000.0
    assert 0.005 < board.fp16_tflops_dense < 50.0
    assert board.memory_gb > 1.0


def test_a_token_and_a_prompt_of_our_model_take_time_of_their_own():
    token_ms, prompt_ms, read = measure_model()
    assert 0.1 < token_ms < 500.0
    assert -1000.0 < prompt_ms < 5000.0  # A difference of two times: noise may exceed it.
    assert 10 <= read <= 40
