/** What head and `choose` have to find in a row of scores. */
export interface BestScore {
  token: number
  score: number
  /** log Σ e^score */
  norm: number
}

export function bestScoreReference(scores: ArrayLike<number>): BestScore {
  let token = 0
  for (let i = 1; i < scores.length; i += 1)
    if ((scores[i] ?? -Infinity) > (scores[token] ?? -Infinity)) token = i
  const score = scores[token] ?? -Infinity
  let sum = 0
  for (let i = 0; i < scores.length; i += 1) sum += Math.exp((scores[i] ?? 0) - score)
  return { token, score, norm: score + Math.log(sum) }
}
