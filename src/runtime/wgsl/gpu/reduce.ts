/** WGSL for what all threads of a workgroup find out together. */

/**
 * `fn total(t, value)`: the sum of `value`, a vec4f, over all `threads`, a power of two, by halving, in an order that is
 * always the same. Every thread must call it. Uses `scratch`, a workgroup array of at least as many values.
 */
export function totalOf(threads: number, scratch: string): string {
  return `
fn total(t: u32, value: vec4f) -> vec4f {
  ${scratch}[t] = value;
  workgroupBarrier();
${halvings(threads, (half) => `if (t < ${half}u) { ${scratch}[t] += ${scratch}[t + ${half}u]; }`)}
  let sum = ${scratch}[0];
  workgroupBarrier();
  return sum;
}`
}

/** Statements for each half of `count`, a power of two, a barrier behind each. */
export function halvings(count: number, statement: (half: number) => string): string {
  const lines: string[] = []
  for (let half = count / 2; half >= 1; half /= 2) lines.push(`  ${statement(half)}\n  workgroupBarrier();`)
  return lines.join('\n')
}

/**
 * Statements by which the largest of `count` values in `scores`, a workgroup array, comes to its front, and with it its
 * id in `places`: the lowest among equals. `faults[0]` tells whether any of `faults` was set.
 */
export function bestHalvings(count: number, scores: string): string {
  return halvings(
    count,
    (half) => `if (t < ${half}u) {
    let other = ${scores}[t + ${half}u];
    if (other > ${scores}[t] || (other == ${scores}[t] && places[t + ${half}u] < places[t])) {
      ${scores}[t] = other;
      places[t] = places[t + ${half}u];
    }
    faults[t] |= faults[t + ${half}u];
  }`,
  )
}
