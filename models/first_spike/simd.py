"""The two inner loops of the kernel, written as LLVM vector code (numba intrinsics).

A compiler may or may not vectorise a loop, fuse a multiplication with an addition, or reorder a sum, and numba chooses
otherwise in the process that compiles than in those that read its cache. Here all three are spelled out: these loops
give the same bits everywhere, and the state of a block of neurons stays in registers from input to input.

Both loops work on a block of :data:`BLOCK` neurons.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

BLOCK = 32  # neurons of a block: 4 vectors of 8 doubles, or 2 of 16 floats
N_COEFFICIENTS = 4
# The test for a crossing rounds: it lets through a little more, and the exact solution decides.
ALMOST_ONE = 1.0 - 1e-9

_I1, _I32, _I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)


class _Vectors:
    """Arithmetic on the block of neurons as a few LLVM vectors of 64 bytes."""

    def __init__(self, builder: Any, is_double: bool) -> None:
        self.builder = builder
        self.scalar = ir.DoubleType() if is_double else ir.FloatType()
        self.n_lanes, self.alignment = (8, 8) if is_double else (16, 4)
        self.n = BLOCK // self.n_lanes
        self.vector = ir.VectorType(self.scalar, self.n_lanes)
        name = f"llvm.fma.v{self.n_lanes}f{64 if is_double else 32}"
        self.fma_function = builder.module.declare_intrinsic(name, fnty=ir.FunctionType(self.vector, [self.vector] * 3))

    def constant(self, value: float) -> Any:
        return ir.Constant(self.vector, [value] * self.n_lanes)

    def splat(self, scalar: Any) -> Any:
        one = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), scalar, ir.Constant(_I32, 0))
        zeros = ir.Constant(ir.VectorType(_I32, self.n_lanes), [0] * self.n_lanes)
        return self.builder.shuffle_vector(one, ir.Constant(self.vector, ir.Undefined), zeros)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return self.builder.call(self.fma_function, [a, b, c])

    def _place(self, pointer: Any, index: int) -> Any:
        at = self.builder.gep(pointer, [ir.Constant(_I64, index * self.n_lanes)])
        return self.builder.bitcast(at, self.vector.as_pointer())

    def load(self, pointer: Any, index: int) -> Any:
        loaded = self.builder.load(self._place(pointer, index), typ=self.vector)
        loaded.align = self.alignment
        return loaded

    def store(self, value: Any, pointer: Any, index: int) -> None:
        stored = self.builder.store(value, self._place(pointer, index))
        stored.align = self.alignment

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


def _data(context: Any, builder: Any, array_type: Any, value: Any, *offsets: Any) -> Any:
    """Pointer to the first element of an array, moved on by the sum of `offsets` elements."""
    pointer = context.make_array(array_type)(context, builder, value).data
    for offset in offsets:
        pointer = builder.gep(pointer, [offset])
    return pointer


@intrinsic
def lowest_bit(typingctx, mask):  # type: ignore[no-untyped-def]
    """Position of the lowest bit that is set in a uint32 other than 0."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.zext(builder.cttz(args[0], ir.Constant(_I1, 1)), _I64)

    return types.int64(types.uint32), generate


@intrinsic
def stream(  # type: ignore[no-untyped-def]
    typingctx, state, weights, block_start, row_stride, source, row, coefficients, k_start, k_stop, fires
):
    """Add inputs `k_start` to `k_stop` of a sample to the state of a block, up to one after which a neuron may fire.

    Arrays, all contiguous: ``state`` [2, BLOCK] holds V and I, extrapolated to the frame's start (see the kernel);
    ``weights`` has the block's first row at element ``block_start`` and ``row_stride`` elements from input to input;
    ``source`` [batch, width] the sorted inputs' indices, the sample's at element ``row``; ``coefficients``
    [batch, width, 4] what an input adds to V and to I per weight, and the weights of V and I in the test that follows
    it; ``fires`` [1] of uint32 receives the mask of neurons that passed.

    Returns
    -------
    int
        Index of the input after which the test passed, ``k_stop`` if none did.
    """
    signature = types.int64(
        state, weights, types.int64, types.int64, source, types.int64, coefficients, types.int64, types.int64, fires
    )
    is_double = weights.dtype == types.float64

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        kinds = signature.args
        block = _Vectors(builder, is_double)
        state_at = _data(context, builder, kinds[0], args[0])
        weights_at = _data(context, builder, kinds[1], args[1], args[2])
        row_stride, row = args[3], args[5]
        source_at = _data(context, builder, kinds[4], args[4], row)
        n_coefficients = ir.Constant(_I64, N_COEFFICIENTS)
        coefficient_at = _data(context, builder, kinds[6], args[6], builder.mul(row, n_coefficients))
        k_start, k_stop = args[7], args[8]
        mask_at = _data(context, builder, kinds[9], args[9])

        head = builder.append_basic_block("head")
        body = builder.append_basic_block("body")
        latch = builder.append_basic_block("latch")
        hit = builder.append_basic_block("hit")
        leave = builder.append_basic_block("leave")
        entry = builder.block
        start = [block.load(state_at, index) for index in range(2 * block.n)]
        builder.branch(head)

        builder.position_at_end(head)
        k = builder.phi(_I64)
        k.add_incoming(k_start, entry)
        now = [builder.phi(block.vector) for _ in start]
        for phi, value in zip(now, start, strict=True):
            phi.add_incoming(value, entry)
        builder.cbranch(builder.icmp_signed("<", k, k_stop), body, leave)

        builder.position_at_end(body)
        index = builder.zext(builder.load(builder.gep(source_at, [k])), _I64)
        row_at = builder.gep(weights_at, [builder.mul(index, row_stride)])
        first = builder.mul(k, n_coefficients)
        to_v, to_i, of_v, of_i = (
            block.splat(builder.load(builder.gep(coefficient_at, [builder.add(first, ir.Constant(_I64, c))])))
            for c in range(N_COEFFICIENTS)
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

        builder.position_at_end(latch)
        k.add_incoming(builder.add(k, ir.Constant(_I64, 1)), latch)
        for phi, value in zip(now, [*v, *i], strict=True):
            phi.add_incoming(value, latch)
        builder.branch(head)

        builder.position_at_end(hit)
        mask = ir.Constant(_I32, 0)
        for q, one in enumerate(passed):
            bits = builder.zext(builder.bitcast(one, ir.IntType(block.n_lanes)), _I32)
            mask = builder.or_(mask, builder.shl(bits, ir.Constant(_I32, q * block.n_lanes)))
        builder.store(mask, mask_at)
        builder.branch(leave)

        builder.position_at_end(leave)
        for number, (before, after) in enumerate(zip(now, [*v, *i], strict=True)):
            last = builder.phi(block.vector)
            last.add_incoming(before, head)
            last.add_incoming(after, hit)
            now[number] = last
        for number, last in enumerate(now):
            block.store(last, state_at, number)
        return k

    return signature, generate


@intrinsic
def retreat(  # type: ignore[no-untyped-def]
    typingctx, state, weights, block_start, gradient, gradient_start, row_stride, source, row, coefficients,
    time_gradient, time_row, k_start, k_stop,
):  # fmt: skip
    """Add the gradients of inputs `k_start` down to `k_stop`, both included, of a sample for a block of neurons.

    With ``a`` and ``b`` the first two coefficients of an input and P, Q, P', Q' the rows of ``state`` [4, BLOCK], the
    weight gradients grow by ``P a + Q b`` and the input's time gradient is the sum of ``w (P' a + Q' b)``.
    ``gradient`` has its rows as far apart as ``weights``; ``time_gradient`` is written from element ``time_row`` on.
    The other arrays are those of :func:`stream`.
    """
    integer = types.int64
    signature = types.void(
        state, weights, integer, gradient, integer, integer, source, integer, coefficients, time_gradient, integer,
        integer, integer,
    )  # fmt: skip
    is_double = weights.dtype == types.float64

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        kinds = signature.args
        block = _Vectors(builder, is_double)
        state_at = _data(context, builder, kinds[0], args[0])
        weights_at = _data(context, builder, kinds[1], args[1], args[2])
        gradient_at = _data(context, builder, kinds[3], args[3], args[4])
        row_stride, row = args[5], args[7]
        source_at = _data(context, builder, kinds[6], args[6], row)
        n_coefficients = ir.Constant(_I64, N_COEFFICIENTS)
        coefficient_at = _data(context, builder, kinds[8], args[8], builder.mul(row, n_coefficients))
        time_at = _data(context, builder, kinds[9], args[9], args[10])
        k_start, k_stop = args[11], args[12]

        head = builder.append_basic_block("head")
        body = builder.append_basic_block("body")
        leave = builder.append_basic_block("leave")
        entry = builder.block
        rows = [[block.load(state_at, r * block.n + q) for q in range(block.n)] for r in range(4)]
        builder.branch(head)

        builder.position_at_end(head)
        k = builder.phi(_I64)
        k.add_incoming(k_start, entry)
        builder.cbranch(builder.icmp_signed(">=", k, k_stop), body, leave)

        builder.position_at_end(body)
        index = builder.zext(builder.load(builder.gep(source_at, [k])), _I64)
        offset = builder.mul(index, row_stride)
        w_at, g_at = builder.gep(weights_at, [offset]), builder.gep(gradient_at, [offset])
        first = builder.mul(k, n_coefficients)
        a, b = (
            block.splat(builder.load(builder.gep(coefficient_at, [builder.add(first, ir.Constant(_I64, c))])))
            for c in range(2)
        )
        sum_p, sum_q = block.constant(0.0), block.constant(0.0)
        for q in range(block.n):
            g = block.fma(rows[0][q], a, block.fma(rows[1][q], b, block.load(g_at, q)))
            block.store(g, g_at, q)
            w = block.load(w_at, q)
            sum_p = block.fma(w, rows[2][q], sum_p)
            sum_q = block.fma(w, rows[3][q], sum_q)
        total = block.sum(block.fma(sum_p, a, builder.fmul(sum_q, b)))
        builder.store(total, builder.gep(time_at, [k]))
        k.add_incoming(builder.sub(k, ir.Constant(_I64, 1)), body)
        builder.branch(head)

        builder.position_at_end(leave)
        return context.get_dummy_value()

    return signature, generate
