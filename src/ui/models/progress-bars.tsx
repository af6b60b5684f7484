import type { ReactElement } from 'react'
import type { AddProgress } from '../../protocol/keeper-calls.ts'
import { bytesText, durationText, partText } from './amounts.ts'

/** How far a model is on its way: the whole, with speed and time left, and each large part. */
export function ProgressBars({ progress }: { progress: AddProgress }): ReactElement {
  const { doneBytes, totalBytes, bytesPerSecond, secondsLeft, parts, waiting, elsewhere } = progress
  const verb = progress.doing === 'fetching' ? 'Fetching' : 'Reading and converting'
  const speed = bytesPerSecond === null ? '' : `, ${bytesText(bytesPerSecond)}/s`
  const left = secondsLeft === null ? '' : `, about ${durationText(secondsLeft)} left`
  const label = `${verb} ${progress.name}: ${bytesText(doneBytes)} of ${bytesText(totalBytes)}`
  return (
    <div className="loading">
      <span>
        {label}
        {speed}
        {left}
        {elsewhere && ' (in another tab)'}
      </span>
      <progress aria-label={label} value={doneBytes} max={Math.max(1, totalBytes)} />
      <ul className="parts">
        {parts
          .filter(({ path }) => path.endsWith('.weights'))
          .map((part) => (
            <li key={part.path}>
              {partText(part.path)}: {bytesText(part.doneBytes)} of {bytesText(part.totalBytes)}
            </li>
          ))}
      </ul>
      {waiting !== null && <span>{waiting}</span>}
    </div>
  )
}
