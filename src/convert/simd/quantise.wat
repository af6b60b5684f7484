;; The two loops in which a conversion spends its time, with two float64 lanes: the search for scales and the choice of
;; integers. `../quantise.ts` defines what they compute; here it is bit for bit the same, see `quantise.ts` beside it for why.
;; The caller owns the memory: it writes rows and reads what comes out. Nothing here checks a bound.
(module
  (memory (export "memory") 1)

  ;; `block` as float64 at address `to`: `length` values of float32 at `from`, zeros behind them up to `size`.
  (func $widen (param $from i32) (param $to i32) (param $length i32) (param $size i32)
    (local $i i32)
    (if (i32.eq (local.get $length) (local.get $size))
      (then
        (loop $pairs
          (v128.store (local.get $to) (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $from))))
          (local.set $from (i32.add (local.get $from) (i32.const 8)))
          (local.set $to (i32.add (local.get $to) (i32.const 16)))
          (br_if $pairs
            (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 2))) (local.get $size)))))
      (else
        (loop $singles
          (f64.store (local.get $to)
            (if (result f64) (i32.lt_u (local.get $i) (local.get $length))
              (then (f64.promote_f32 (f32.load (local.get $from))))
              (else (f64.const 0))))
          (local.set $from (i32.add (local.get $from) (i32.const 4)))
          (local.set $to (i32.add (local.get $to) (i32.const 8)))
          (br_if $singles
            (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $size)))))))

  ;; The first value of largest magnitude, with its sign.
  (func $largest (param $block i32) (param $end i32) (result f64)
    (local $at i32)
    (local $most v128)
    (local $magnitude f64)
    (local.set $at (local.get $block))
    (loop $pairs
      (local.set $most (f64x2.pmax (local.get $most) (f64x2.abs (v128.load (local.get $at)))))
      (br_if $pairs
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
    (local.set $magnitude
      (f64.max (f64x2.extract_lane 0 (local.get $most)) (f64x2.extract_lane 1 (local.get $most))))
    (if (f64.eq (local.get $magnitude) (f64.const 0)) (then (return (f64.const 0))))
    (local.set $at (local.get $block))
    (loop $search
      (if (f64.ne (f64.abs (f64.load (local.get $at))) (local.get $magnitude))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (br $search))))
    (f64.load (local.get $at)))

  ;; The sum of squares, in pairs: as good as exact, and not to the last bit the one below.
  (func $energyInPairs (param $at i32) (param $end i32) (result f64)
    (local $sum v128)
    (local $value v128)
    (loop $pairs
      (local.set $value (v128.load (local.get $at)))
      (local.set $sum (f64x2.add (local.get $sum) (f64x2.mul (local.get $value) (local.get $value))))
      (br_if $pairs
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
    (f64.add (f64x2.extract_lane 0 (local.get $sum)) (f64x2.extract_lane 1 (local.get $sum))))

  ;; The sum of squares, one after the other.
  (func $energyInOrder (param $at i32) (param $end i32) (result f64)
    (local $sum f64)
    (local $value f64)
    (loop $values
      (local.set $value (f64.load (local.get $at)))
      (local.set $sum (f64.add (local.get $sum) (f64.mul (local.get $value) (local.get $value))))
      (br_if $values
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
    (local.get $sum))

  ;; The scale of least squared error; `targets` are `targetCount` float64.
  (func $bestScale
    (param $block i32) (param $end i32) (param $targets i32) (param $targetCount i32) (param $low f64)
    (result f64)
    (local $at i32)
    (local $round i32)
    (local $largest f64)
    (local $energy f64)
    (local $gain f64)
    (local $scale f64)
    (local $sumXq f64)
    (local $sumQq f64)
    (local $inverse v128)
    (local $lows v128)
    (local $highs v128)
    (local $value v128)
    (local $q v128)
    (local $xq v128)
    (local $qq v128)
    (local.set $largest (call $largest (local.get $block) (local.get $end)))
    (if (f64.eq (local.get $largest) (f64.const 0)) (then (return (f64.const 0))))
    (local.set $energy (call $energyInPairs (local.get $block) (local.get $end)))
    (local.set $lows (f64x2.splat (local.get $low)))
    (local.set $highs (f64x2.splat (f64.sub (f64.neg (local.get $low)) (f64.const 1))))
    (loop $rounds
      (local.set $inverse
        (f64x2.splat
          (if (result f64) (i32.lt_u (local.get $round) (local.get $targetCount))
            (then
              (f64.div
                (f64.load (i32.add (local.get $targets) (i32.shl (local.get $round) (i32.const 3))))
                (local.get $largest)))
            (else (f64.div (f64.const 1) (local.get $scale))))))
      (local.set $xq (v128.const f64x2 0 0))
      (local.set $qq (v128.const f64x2 0 0))
      (local.set $at (local.get $block))
      (loop $pairs
        (local.set $value (v128.load (local.get $at)))
        (local.set $q
          (f64x2.pmin
            (f64x2.pmax
              (f64x2.nearest (f64x2.mul (local.get $value) (local.get $inverse)))
              (local.get $lows))
            (local.get $highs)))
        (local.set $xq (f64x2.add (local.get $xq) (f64x2.mul (local.get $value) (local.get $q))))
        (local.set $qq (f64x2.add (local.get $qq) (f64x2.mul (local.get $q) (local.get $q))))
        (br_if $pairs
          (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
      (local.set $sumXq
        (f64.add (f64x2.extract_lane 0 (local.get $xq)) (f64x2.extract_lane 1 (local.get $xq))))
      (local.set $sumQq
        (f64.add (f64x2.extract_lane 0 (local.get $qq)) (f64x2.extract_lane 1 (local.get $qq))))
      (if (f64.gt
            (f64.mul (local.get $sumXq) (local.get $sumXq))
            (f64.mul (local.get $gain) (local.get $sumQq)))
        (then
          (local.set $gain (f64.div (f64.mul (local.get $sumXq) (local.get $sumXq)) (local.get $sumQq)))
          (local.set $scale (f64.div (local.get $sumXq) (local.get $sumQq)))
          ;; Where the sum in pairs is near the limit, the sum in order decides.
          (if (f64.le
                (f64.sub (local.get $energy) (local.get $gain))
                (f64.mul (f64.const 2e-12) (local.get $energy)))
            (then
              (local.set $energy (call $energyInOrder (local.get $block) (local.get $end)))
              (if (f64.le
                    (f64.sub (local.get $energy) (local.get $gain))
                    (f64.mul (f64.const 1e-12) (local.get $energy)))
                (then (return (local.get $scale))))))))
      (br_if $rounds
        (i32.le_u
          (local.tee $round (i32.add (local.get $round) (i32.const 1)))
          (local.get $targetCount))))
    (local.get $scale))

  ;; float32 scales [rowCount, blocks] of float32 rows [rowCount, columns]. `block` is room for a block of float64.
  (func (export "findScales")
    (param $rows i32) (param $rowCount i32) (param $columns i32) (param $blockSize i32)
    (param $block i32) (param $targets i32) (param $targetCount i32) (param $low f64) (param $scales i32)
    (local $end i32)
    (local $left i32)
    (local $length i32)
    (local.set $end (i32.add (local.get $block) (i32.shl (local.get $blockSize) (i32.const 3))))
    (loop $eachRow
      (local.set $left (local.get $columns))
      (loop $eachBlock
        (local.set $length
          (select (local.get $left) (local.get $blockSize) (i32.lt_u (local.get $left) (local.get $blockSize))))
        (call $widen (local.get $rows) (local.get $block) (local.get $length) (local.get $blockSize))
        (f32.store (local.get $scales)
          (f32.demote_f64
            (call $bestScale
              (local.get $block) (local.get $end) (local.get $targets) (local.get $targetCount) (local.get $low))))
        (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
        (local.set $rows (i32.add (local.get $rows) (i32.shl (local.get $length) (i32.const 2))))
        (br_if $eachBlock (local.tee $left (i32.sub (local.get $left) (local.get $length)))))
      (br_if $eachRow (local.tee $rowCount (i32.sub (local.get $rowCount) (i32.const 1))))))

  ;; Four float64 at `at` as integers from 0, one in each lane of 32 bits. Adding 1.5 · 2^52 leaves an integer in the
  ;; lowest bits of a float64.
  (func $fourIntegers
    (param $at i32) (param $inverse v128) (param $lows v128) (param $highs v128) (param $shift v128)
    (result v128)
    (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
      (f64x2.add (local.get $shift)
        (f64x2.pmin
          (f64x2.pmax (local.get $lows)
            (f64x2.nearest (f64x2.mul (local.get $inverse) (v128.load (local.get $at)))))
          (local.get $highs)))
      (f64x2.add (local.get $shift)
        (f64x2.pmin
          (f64x2.pmax (local.get $lows)
            (f64x2.nearest (f64x2.mul (local.get $inverse) (v128.load offset=16 (local.get $at)))))
          (local.get $highs)))))

  ;; Sixteen float64 at `at` as bytes.
  (func $sixteenBytes
    (param $at i32) (param $inverse v128) (param $lows v128) (param $highs v128) (param $shift v128)
    (result v128)
    (i8x16.narrow_i16x8_u
      (i16x8.narrow_i32x4_s
        (call $fourIntegers (local.get $at)
          (local.get $inverse) (local.get $lows) (local.get $highs) (local.get $shift))
        (call $fourIntegers (i32.add (local.get $at) (i32.const 32))
          (local.get $inverse) (local.get $lows) (local.get $highs) (local.get $shift)))
      (i16x8.narrow_i32x4_s
        (call $fourIntegers (i32.add (local.get $at) (i32.const 64))
          (local.get $inverse) (local.get $lows) (local.get $highs) (local.get $shift))
        (call $fourIntegers (i32.add (local.get $at) (i32.const 96))
          (local.get $inverse) (local.get $lows) (local.get $highs) (local.get $shift)))))

  ;; Sixteen bytes below 16 as eight bytes in the low halves of 16-bit lanes: the even one in the low nibble.
  (func $nibbles (param $bytes v128) (result v128)
    (v128.or
      (v128.and (local.get $bytes) (v128.const i16x8 15 15 15 15 15 15 15 15))
      (i16x8.shl (i16x8.shr_u (local.get $bytes) (i32.const 8)) (i32.const 4))))

  ;; The integers of rows for stored scales, 4 or 8 bits each.
  (func (export "pack")
    (param $rows i32) (param $rowCount i32) (param $columns i32) (param $blockSize i32)
    (param $block i32) (param $bits i32) (param $low f64) (param $scales i32) (param $packed i32)
    (local $end i32)
    (local $at i32)
    (local $left i32)
    (local $length i32)
    (local $scale f64)
    (local $inverse v128)
    (local $lows v128)
    (local $highs v128)
    (local $shift v128)
    (local.set $end (i32.add (local.get $block) (i32.shl (local.get $blockSize) (i32.const 3))))
    (local.set $lows (f64x2.splat (local.get $low)))
    (local.set $highs (f64x2.splat (f64.sub (f64.neg (local.get $low)) (f64.const 1))))
    (local.set $shift (f64x2.splat (f64.sub (f64.const 6755399441055744) (local.get $low))))
    (loop $eachRow
      (local.set $left (local.get $columns))
      (loop $eachBlock
        (local.set $length
          (select (local.get $left) (local.get $blockSize) (i32.lt_u (local.get $left) (local.get $blockSize))))
        (call $widen (local.get $rows) (local.get $block) (local.get $length) (local.get $blockSize))
        (local.set $scale (f64.promote_f32 (f32.load (local.get $scales))))
        (local.set $inverse
          (f64x2.splat
            (if (result f64) (f64.eq (local.get $scale) (f64.const 0))
              (then (f64.const 0))
              (else (f64.div (f64.const 1) (local.get $scale))))))
        (local.set $at (local.get $block))
        (loop $eachThirtyTwo
          (if (i32.eq (local.get $bits) (i32.const 8))
            (then
              (v128.store (local.get $packed)
                (call $sixteenBytes (local.get $at)
                  (local.get $inverse) (local.get $lows) (local.get $highs) (local.get $shift)))
              (v128.store offset=16 (local.get $packed)
                (call $sixteenBytes (i32.add (local.get $at) (i32.const 128))
                  (local.get $inverse) (local.get $lows) (local.get $highs) (local.get $shift)))
              (local.set $packed (i32.add (local.get $packed) (i32.const 32))))
            (else
              (v128.store (local.get $packed)
                (i8x16.narrow_i16x8_u
                  (call $nibbles
                    (call $sixteenBytes (local.get $at)
                      (local.get $inverse) (local.get $lows) (local.get $highs) (local.get $shift)))
                  (call $nibbles
                    (call $sixteenBytes (i32.add (local.get $at) (i32.const 128))
                      (local.get $inverse) (local.get $lows) (local.get $highs) (local.get $shift)))))
              (local.set $packed (i32.add (local.get $packed) (i32.const 16)))))
          (br_if $eachThirtyTwo
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 256))) (local.get $end))))
        (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
        (local.set $rows (i32.add (local.get $rows) (i32.shl (local.get $length) (i32.const 2))))
        (br_if $eachBlock (local.tee $left (i32.sub (local.get $left) (local.get $length)))))
      (br_if $eachRow (local.tee $rowCount (i32.sub (local.get $rowCount) (i32.const 1)))))))
