"""The two inner loops of the kernel, written as LLVM vector code (numba intrinsics).

A compiler may or may not vectorise a loop, fuse a multiplication with an addition, or reorder a sum, and numba chooses
otherwise in the process that compiles than in those that read its cache. Here all three are spelled out: these loops
give the same bits everywhere, and the state of a block of neurons stays in registers from input to input.

Both loops work on a block of :data:`BLOCK` neurons.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

BLOCK = 32  # neurons of a block: 4 vectors of 8 doubles, or 2 of 16 floats
HALF_BLOCK = 16  # the last block of a layer may be this small
N_COEFFICIENTS = 4
# The test for a crossing rounds: it lets through a little more, and the exact solution decides.
ALMOST_ONE = 1.0 - 1e-9
PASSED = -1e30  # current of a neuron that has passed the test: it never does again

_I1, _I32, _I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)


class Vectors:
    """Arithmetic on a block of neurons as a few LLVM vectors of 64 bytes."""

    def __init__(self, builder: Any, is_double: bool, size: int = BLOCK) -> None:
        self.builder = builder
        self.scalar = ir.DoubleType() if is_double else ir.FloatType()
        self.n_lanes, self.alignment = (8, 8) if is_double else (16, 4)
        self.n = size // self.n_lanes
        self.row = BLOCK // self.n_lanes  # of arrays [..., BLOCK]
        self.vector = ir.VectorType(self.scalar, self.n_lanes)
        self.type_name = f"v{self.n_lanes}f{64 if is_double else 32}"
        name = f"llvm.fma.{self.type_name}"
        self.fma_function = builder.module.declare_intrinsic(name, fnty=ir.FunctionType(self.vector, [self.vector] * 3))

    def constant(self, value: float) -> Any:
        return ir.Constant(self.vector, [value] * self.n_lanes)

    def splat(self, scalar: Any) -> Any:
        undefined = ir.Constant(ir.VectorType(scalar.type, self.n_lanes), ir.Undefined)
        one = self.builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
        zeros = ir.Constant(ir.VectorType(_I32, self.n_lanes), [0] * self.n_lanes)
        return self.builder.shuffle_vector(one, undefined, zeros)

    def call(self, name: str, value: Any) -> Any:
        """A function of one number, such as sqrt."""
        kind = ir.FunctionType(self.vector, [self.vector])
        function = self.builder.module.declare_intrinsic(f"llvm.{name}.{self.type_name}", fnty=kind)
        return self.builder.call(function, [value])

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return self.builder.call(self.fma_function, [a, b, c])

    def _place(self, pointer: Any, index: int, vector: Any) -> Any:
        at = self.builder.gep(pointer, [ir.Constant(_I64, index * self.n_lanes)])
        return self.builder.bitcast(at, vector.as_pointer())

    def load(self, pointer: Any, index: int) -> Any:
        loaded = self.builder.load(self._place(pointer, index, self.vector), typ=self.vector)
        loaded.align = self.alignment
        return loaded

    def store(self, value: Any, pointer: Any, index: int) -> None:
        stored = self.builder.store(value, self._place(pointer, index, self.vector))
        stored.align = self.alignment

    def load_integers(self, pointer: Any, index: int) -> Any:
        """Of 32 bits, one a lane."""
        integers = ir.VectorType(_I32, self.n_lanes)
        loaded = self.builder.load(self._place(pointer, index, integers), typ=integers)
        loaded.align = 4
        return loaded

    def store_integers(self, value: Any, pointer: Any, index: int) -> None:
        stored = self.builder.store(value, self._place(pointer, index, value.type))
        stored.align = 4

    def bits(self, lanes: list[Any]) -> Any:
        """The truth values of all lanes of the block as one integer of 32 bits."""
        result = ir.Constant(_I32, 0)
        for q, one in enumerate(lanes):
            bits = self.builder.zext(self.builder.bitcast(one, ir.IntType(self.n_lanes)), _I32)
            result = self.builder.or_(result, self.builder.shl(bits, ir.Constant(_I32, q * self.n_lanes)))
        return result

    def sum(self, value: Any) -> Any:
        """Sum of the lanes, in halves: the order is part of the result."""
        width = self.n_lanes
        while width > 1:
            width //= 2
            halves = [
                self.builder.shuffle_vector(
                    value,
                    ir.Constant(value.type, ir.Undefined),
                    ir.Constant(ir.VectorType(_I32, width), list(range(start, start + width))),
                )
                for start in (0, width)
            ]
            value = self.builder.fadd(*halves)
        return self.builder.extract_element(value, ir.Constant(_I32, 0))


def data_pointer(context: Any, builder: Any, array_type: Any, value: Any, *offsets: Any) -> Any:
    """Pointer to the first element of an array, moved on by the sum of `offsets` elements."""
    pointer = context.make_array(array_type)(context, builder, value).data
    for offset in offsets:
        pointer = builder.gep(pointer, [offset])
    return pointer


def _coefficients(context: Any, builder: Any, array_type: Any, value: Any, row: Any) -> tuple[Any, list[Any]]:
    """Pointer to a sample's coefficients, [4, width] of them, and where those of each kind begin."""
    width = builder.extract_value(context.make_array(array_type)(context, builder, value).shape, 2)
    pointer = data_pointer(context, builder, array_type, value, builder.mul(row, ir.Constant(_I64, N_COEFFICIENTS)))
    return pointer, [builder.mul(width, ir.Constant(_I64, c)) for c in range(N_COEFFICIENTS)]


@intrinsic
def fma(typingctx, x, y, z):  # type: ignore[no-untyped-def]
    """``x * y + z`` of doubles, rounded once."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), generate


def _by_size(builder: Any, n: Any, emit: Callable[[int], Any]) -> list[tuple[Any, Any]]:
    """Code for the half block and for the whole one, of which that for `n` neurons runs; what each gives, and where."""
    found = []
    small = builder.icmp_signed("<=", n, ir.Constant(_I64, HALF_BLOCK))
    with builder.if_else(small) as branches:
        for branch, size in zip(branches, (HALF_BLOCK, BLOCK), strict=True):
            with branch:
                found.append((emit(size), builder.block))
    return found


@intrinsic
def stream(  # type: ignore[no-untyped-def]
    typingctx, n, state, passing, at, pending, weights, block_start, row_stride, source, row, coefficients, k_start,
    k_stop,
):  # fmt: skip
    """Add inputs `k_start` to `k_stop` of a sample to the state of a block, and note after which a neuron may fire.

    ``n`` neurons are in the block; up to HALF_BLOCK of them are streamed as a half block. Arrays, all contiguous:
    ``state`` [2, BLOCK] holds V and I, extrapolated to the frame's start (see the kernel); ``weights`` has the block's
    first row at element ``block_start`` and ``row_stride`` elements from input to input; ``source`` [batch, width] the
    sorted inputs' indices, the sample's at element ``row``; ``coefficients`` [batch, 4, width] what an input adds to V
    and to I per weight, and the weights of V and I in the test that follows it. Where a neuron passes the test, its V
    and I go to ``passing`` [2, BLOCK] and the input's number to ``at`` [BLOCK] of int32; it does not pass again.

    Returns
    -------
    uint32
        Mask of the neurons of ``pending`` that have not passed. When there are none the rest of the inputs is left out.
    """
    integer = types.int64
    signature = types.uint32(
        integer, state, passing, at, types.uint32, weights, integer, integer, source, integer, coefficients, integer,
        integer,
    )  # fmt: skip
    is_double = weights.dtype == types.float64

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        number_of_neurons, *args = args
        kinds = signature.args[1:]
        state_at = data_pointer(context, builder, kinds[0], args[0])
        passing_at = data_pointer(context, builder, kinds[1], args[1])
        number_at = data_pointer(context, builder, kinds[2], args[2])
        weights_at = data_pointer(context, builder, kinds[4], args[4], args[5])
        row_stride, row = args[6], args[8]
        source_at = data_pointer(context, builder, kinds[7], args[7], row)
        coefficient_at, starts = _coefficients(context, builder, kinds[9], args[9], row)
        k_start, k_stop = args[10], args[11]

        def emit(size: int) -> Any:
            block = Vectors(builder, is_double, size)
            head = builder.append_basic_block("head")
            body = builder.append_basic_block("body")
            hit = builder.append_basic_block("hit")
            latch = builder.append_basic_block("latch")
            leave = builder.append_basic_block("leave")
            entry = builder.block
            start = [block.load(state_at, r * block.row + q) for r in range(2) for q in range(block.n)]
            builder.branch(head)

            builder.position_at_end(head)
            k, pending = builder.phi(_I64), builder.phi(_I32)
            k.add_incoming(k_start, entry)
            pending.add_incoming(args[3], entry)
            now = [builder.phi(block.vector) for _ in start]
            for phi, value in zip(now, start, strict=True):
                phi.add_incoming(value, entry)
            builder.cbranch(builder.icmp_signed("<", k, k_stop), body, leave)

            builder.position_at_end(body)
            index = builder.zext(builder.load(builder.gep(source_at, [k])), _I64)
            row_at = builder.gep(weights_at, [builder.mul(index, row_stride)])
            to_v, to_i, of_v, of_i = (
                block.splat(builder.load(builder.gep(coefficient_at, [builder.add(k, first)]))) for first in starts
            )
            v, i, passed = [], [], []
            for q in range(block.n):
                w = block.load(row_at, q)
                v.append(block.fma(w, to_v, now[q]))
                i.append(block.fma(w, to_i, now[block.n + q]))
                reach = block.fma(v[q], of_v, builder.fmul(i[q], of_i))
                passed.append(builder.fcmp_ordered(">=", reach, block.constant(ALMOST_ONE)))
            some = passed[0]
            for one in passed[1:]:
                some = builder.or_(some, one)
            lanes = builder.bitcast(some, ir.IntType(block.n_lanes))
            builder.cbranch(builder.icmp_unsigned("!=", lanes, ir.Constant(lanes.type, 0)), hit, latch)

            builder.position_at_end(hit)
            number = block.splat(builder.trunc(k, _I32))
            v_left, i_left = [], []
            for q, one in enumerate(passed):
                for r, value in ((q, v[q]), (block.row + q, i[q])):
                    block.store(builder.select(one, value, block.load(passing_at, r)), passing_at, r)
                block.store_integers(builder.select(one, number, block.load_integers(number_at, q)), number_at, q)
                v_left.append(builder.select(one, block.constant(0.0), v[q]))
                i_left.append(builder.select(one, block.constant(PASSED), i[q]))
            left = builder.and_(pending, builder.not_(block.bits(passed)))
            builder.cbranch(builder.icmp_unsigned("==", left, ir.Constant(_I32, 0)), leave, latch)

            builder.position_at_end(latch)
            after = []
            for passing_by, having_passed in zip((pending, *v, *i), (left, *v_left, *i_left), strict=True):
                after.append(builder.phi(passing_by.type))
                after[-1].add_incoming(passing_by, body)
                after[-1].add_incoming(having_passed, hit)
            k.add_incoming(builder.add(k, ir.Constant(_I64, 1)), latch)
            for phi, value in zip((pending, *now), after, strict=True):
                phi.add_incoming(value, latch)
            builder.branch(head)

            builder.position_at_end(leave)
            last = []
            for before, finished in zip((pending, *now), (left, *v_left, *i_left), strict=True):
                last.append(builder.phi(before.type))
                last[-1].add_incoming(before, head)
                last[-1].add_incoming(finished, hit)
            for number, value in enumerate(last[1:]):
                block.store(value, state_at, number // block.n * block.row + number % block.n)
            return last[0]

        found = _by_size(builder, number_of_neurons, emit)
        result = builder.phi(_I32)
        for value, end in found:
            result.add_incoming(value, end)
        return result

    return signature, generate


@intrinsic
def retreat(  # type: ignore[no-untyped-def]
    typingctx, n, of_inputs, state, at, weights, block_start, gradient, gradient_start, row_stride, source, row,
    coefficients, time_gradient, time_row, k_start, k_stop,
):  # fmt: skip
    """Add the gradients of inputs `k_start` down to `k_stop`, both included, of a sample for a block of neurons.

    With ``a`` and ``b`` the first two coefficients of an input and P, Q, P', Q' the rows of ``state`` [4, BLOCK], the
    weight gradients grow by ``P a + Q b`` and, `of_inputs`, the input's time gradient is the sum of
    ``w (P' a + Q' b)``, each over the neurons whose ``at`` [BLOCK] of int32 is larger than the input's number.
    ``gradient`` has its rows as far apart as ``weights``; ``time_gradient`` is written from element ``time_row`` on.
    The other arguments are those of :func:`stream`.
    """
    integer = types.int64
    signature = types.void(
        integer, types.boolean, state, at, weights, integer, gradient, integer, integer, source, integer, coefficients,
        time_gradient, integer, integer, integer,
    )  # fmt: skip
    is_double = weights.dtype == types.float64

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        number_of_neurons, of_inputs, *args = args
        kinds = signature.args[2:]
        state_at = data_pointer(context, builder, kinds[0], args[0])
        number_at = data_pointer(context, builder, kinds[1], args[1])
        weights_at = data_pointer(context, builder, kinds[2], args[2], args[3])
        gradient_at = data_pointer(context, builder, kinds[4], args[4], args[5])
        row_stride, row = args[6], args[8]
        source_at = data_pointer(context, builder, kinds[7], args[7], row)
        coefficient_at, starts = _coefficients(context, builder, kinds[9], args[9], row)
        time_at = data_pointer(context, builder, kinds[10], args[10], args[11])
        k_start, k_stop = args[12], args[13]

        def emit(size: int, with_times: bool) -> None:
            block = Vectors(builder, is_double, size)
            head = builder.append_basic_block("head")
            body = builder.append_basic_block("body")
            leave = builder.append_basic_block("leave")
            entry = builder.block
            n_rows = 4 if with_times else 2
            rows = [[block.load(state_at, r * block.row + q) for q in range(block.n)] for r in range(n_rows)]
            numbers = [block.load_integers(number_at, q) for q in range(block.n)]
            builder.branch(head)

            builder.position_at_end(head)
            k = builder.phi(_I64)
            k.add_incoming(k_start, entry)
            builder.cbranch(builder.icmp_signed(">=", k, k_stop), body, leave)

            builder.position_at_end(body)
            index = builder.zext(builder.load(builder.gep(source_at, [k])), _I64)
            offset = builder.mul(index, row_stride)
            w_at, g_at = builder.gep(weights_at, [offset]), builder.gep(gradient_at, [offset])
            a, b = (
                block.splat(builder.load(builder.gep(coefficient_at, [builder.add(k, first)]))) for first in starts[:2]
            )
            number = block.splat(builder.trunc(k, _I32))
            sum_p, sum_q = block.constant(0.0), block.constant(0.0)

            def add(causal: Any, x: Any, y: Any, to: Any) -> Any:
                # A masked multiply-add, one instruction where the processor has masks.
                return builder.select(causal, block.fma(x, y, to), to)

            for q in range(block.n):
                causal = builder.icmp_signed(">", numbers[q], number)
                g = block.load(g_at, q)
                block.store(add(causal, rows[0][q], a, add(causal, rows[1][q], b, g)), g_at, q)
                if with_times:
                    w = block.load(w_at, q)
                    sum_p, sum_q = add(causal, w, rows[2][q], sum_p), add(causal, w, rows[3][q], sum_q)
            if with_times:
                total = block.sum(block.fma(sum_p, a, builder.fmul(sum_q, b)))
                builder.store(total, builder.gep(time_at, [k]))
            k.add_incoming(builder.sub(k, ir.Constant(_I64, 1)), body)
            builder.branch(head)

            builder.position_at_end(leave)

        # Of a first layer, whose input times have no use for a gradient, it is left out.
        with builder.if_else(of_inputs) as branches:
            for branch, with_times in zip(branches, (True, False), strict=True):
                with branch:
                    _by_size(builder, number_of_neurons, partial(emit, with_times=with_times))
        return context.get_dummy_value()

    return signature, generate
