"""One leads at a time, and what another ordered before is not carried out."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from yanshi.safety.faults import Fault
from yanshi.safety.lease import LASTS_S, Lease

S = 1_000_000_000


def test_nobody_leads_until_somebody_speaks():
    lease = Lease()
    assert lease.leader(0) == ""
    assert lease.epoch == 0
    assert lease.admit("a", 0, now_ns=0) is None
    assert (lease.leader(0), lease.epoch) == ("a", 1)


def test_before_anybody_spoke_nobody_had_the_lead_at_any_time():
    for t_ns in (-S, -1, 0, 1, S):
        assert Lease().leader(t_ns) == ""


def test_the_first_number_is_nought():
    assert Lease().admit("a", -1, now_ns=0) is Fault.ORDER_REPLAYED
    assert Lease().admit("a", 0, now_ns=0) is None


def test_an_order_of_one_who_does_not_lead_is_refused_and_changes_nothing():
    lease = Lease()
    lease.admit("a", 0, now_ns=0)
    assert lease.admit("b", 0, now_ns=1) is Fault.ORDER_FOREIGN
    assert (lease.leader(1), lease.epoch) == ("a", 1)
    assert lease.admit("a", 1, now_ns=2) is None
    assert lease.epoch == 1


def test_who_takes_over_leads_and_ends_what_was_ordered_before():
    lease = Lease()
    lease.admit("a", 0, now_ns=0)
    assert lease.admit("b", 0, now_ns=1, takes_over=True) is None
    assert (lease.leader(1), lease.epoch) == ("b", 2)
    assert lease.admit("a", 1, now_ns=2) is Fault.ORDER_FOREIGN


def test_the_lead_lasts_so_long_and_no_longer():
    lease = Lease(lasts_s=2.0)
    lease.admit("a", 0, now_ns=S)
    assert lease.admit("b", 0, now_ns=3 * S - 1) is Fault.ORDER_FOREIGN
    assert lease.leader(3 * S - 1) == "a"
    assert lease.leader(3 * S) == ""
    assert lease.admit("b", 1, now_ns=3 * S) is None
    assert (lease.leader(3 * S), lease.epoch) == ("b", 2)
    assert Lease()._lasts_ns == LASTS_S * S


def test_who_comes_back_before_anybody_else_goes_on_in_the_same_epoch():
    lease = Lease(lasts_s=2.0)
    lease.admit("a", 0, now_ns=0)
    assert lease.admit("a", 1, now_ns=9 * S) is None
    assert (lease.leader(11 * S - 1), lease.epoch) == ("a", 1)


def test_who_is_there_keeps_the_lead_and_nobody_gets_it_by_being_there():
    lease = Lease(lasts_s=2.0)
    lease.renew("a", now_ns=0)
    assert lease.leader(0) == ""
    lease.admit("a", 0, now_ns=0)
    lease.renew("b", now_ns=1 * S)
    assert lease.leader(2 * S) == ""
    lease.renew("a", now_ns=2 * S)  # Too late: it has lapsed.
    assert lease.leader(2 * S) == ""
    lease.admit("a", 1, now_ns=2 * S)
    lease.renew("a", now_ns=3 * S)
    assert lease.leader(5 * S - 1) == "a"


def test_an_order_that_comes_again_or_late_is_refused_even_from_who_leads():
    lease = Lease()
    lease.admit("a", 3, now_ns=0)
    for number in (3, 2, 0):
        assert lease.admit("a", number, now_ns=1) is Fault.ORDER_REPLAYED
        assert lease.admit("a", number, now_ns=1, takes_over=True) is Fault.ORDER_REPLAYED
    assert lease.admit("a", 4, now_ns=1) is None
    # A refused order is used up, too.
    assert lease.admit("b", 0, now_ns=1) is Fault.ORDER_FOREIGN
    assert lease.admit("b", 0, now_ns=1, takes_over=True) is Fault.ORDER_REPLAYED


class Operators(RuleBasedStateMachine):
    """Three speak, take over, fall silent and have what they said played back to the robot."""

    def __init__(self) -> None:
        super().__init__()
        self.lease = Lease(lasts_s=2.0)
        self.now_ns = 0
        self.numbers = dict.fromkeys("abc", 0)
        self.orders: list[tuple[int, str]] = []
        """Epoch and operator of everything that was accepted."""

    def say(self, operator: str, number: int, *, takes_over: bool = False) -> Fault | None:
        before, epoch = self.lease.leader(self.now_ns), self.lease.epoch
        fault = self.lease.admit(operator, number, now_ns=self.now_ns, takes_over=takes_over)
        if fault is None:
            assert before in ("", operator) or takes_over
            assert self.lease.leader(self.now_ns) == operator
            self.orders.append((self.lease.epoch, operator))
        else:
            assert (self.lease.leader(self.now_ns), self.lease.epoch) == (before, epoch)
        return fault

    @rule(operator=st.sampled_from("abc"), takes_over=st.booleans())
    def speak(self, operator: str, takes_over: bool) -> None:
        self.numbers[operator] += 1
        leader, epoch = self.lease.leader(self.now_ns), self.lease.epoch
        fault = self.say(operator, self.numbers[operator], takes_over=takes_over)
        if takes_over and leader not in ("", operator):
            assert self.lease.epoch == epoch + 1
        assert fault is (None if takes_over or leader in ("", operator) else Fault.ORDER_FOREIGN)

    @rule(operator=st.sampled_from("abc"), back=st.integers(0, 3), takes_over=st.booleans())
    def replay(self, operator: str, back: int, takes_over: bool) -> None:
        number = self.numbers[operator] - back
        if number > 0:
            fault = self.say(operator, number, takes_over=takes_over)
            assert fault is Fault.ORDER_REPLAYED

    @rule(operator=st.sampled_from("abc"))
    def be_there(self, operator: str) -> None:
        leader, epoch = self.lease.leader(self.now_ns), self.lease.epoch
        self.lease.renew(operator, now_ns=self.now_ns)
        assert (self.lease.leader(self.now_ns), self.lease.epoch) == (leader, epoch)

    @rule(seconds=st.floats(0.0, 3.0))
    def wait(self, seconds: float) -> None:
        self.now_ns += round(seconds * S)

    @invariant()
    def every_epoch_has_one_operator_and_only_the_last_ones_orders_count(self) -> None:
        operators = dict(self.orders)
        assert all(operators[epoch] == operator for epoch, operator in self.orders)
        epochs = [epoch for epoch, _ in self.orders]
        assert epochs == sorted(epochs)
        leader = self.lease.leader(self.now_ns)
        assert leader in ("", operators.get(self.lease.epoch))


Operators.TestCase.settings = settings(deadline=None, max_examples=100)
TestOperators = Operators.TestCase
