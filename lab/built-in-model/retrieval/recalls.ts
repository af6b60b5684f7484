/** How often the right one is among the best, of scenes found by their captions and captions by their scenes. */

const RANKS = [1, 5, 10]

/** Rows for which a right one is among the best 1, 5 and 10, in percent. A caption equal to the right one counts as right. */
export function recalls(ranked: readonly (readonly number[])[], captions: readonly string[]): string {
  const share = (rank: number): number =>
    ranked.filter((order, row) => order.slice(0, rank).some((at) => captions[at] === captions[row])).length
  return RANKS.map((rank) => ((100 * share(rank)) / ranked.length).toFixed(1)).join(' / ')
}

/** Of each row of likenesses the places, the most alike first. */
function byLikeness(rows: readonly (readonly number[])[]): number[][] {
  return rows.map((row) => row.map((_, i) => i).sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0)))
}

/** Both ways, of likenesses [scenes][captions]. */
export function recallsOf(rows: readonly (readonly number[])[], captions: readonly string[]): string {
  const columns = captions.map((_, text) => rows.map((row) => row[text] ?? 0))
  const [texts, images] = [rows, columns].map((one) => recalls(byLikeness(one), captions))
  return `image to text ${texts}, text to image ${images}`
}
