import { useEffect, useMemo, useRef, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { shownTurns, type Conversation } from '../../conversation/conversation.ts'
import { isBusy } from '../../state/under-way.ts'
import { holdScroll } from '../parts/hold-scroll.ts'
import { isForWhatLiesOver } from '../parts/lies-over.ts'
import { Windowed } from '../parts/windowed.tsx'
import { useApp } from '../store-context.ts'
import { ToNewest } from './to-newest.tsx'
import { TurnView } from './turn.tsx'

/** Conversations up to this length are in the page as a whole, for the browser's own search, too. */
const TURNS_IN_BLOCK = 25
/** Question and answer of a line each. */
const TURN_PIXELS = 96

/** What was said about the picture that is shown, the newest last. */
export function ConversationView({ conversation }: { conversation: Conversation }): ReactElement {
  const { t } = useTranslation('talk')
  const busy = useApp((state) => isBusy(state, state.currentId))
  useJumps()
  return (
    // Live updates would read out every token; finished answers are announced by the status line instead.
    <div
      role="log"
      id="conversation"
      aria-label={t('conversation.name')}
      aria-live="off"
      aria-busy={busy}
      tabIndex={0}
    >
      <Turns key={conversation.id} conversation={conversation} />
    </div>
  )
}

/**
 * Home and End go to the first and the last turn in one step. A browser that glides there keeps what is read in its place
 * meanwhile, and stops short where turns that are drawn on the way turn out higher than was thought.
 */
function useJumps(): void {
  useEffect(() => {
    let giveUp = (): void => undefined
    const onKey = (event: KeyboardEvent): void => {
      const { target } = event
      const inField = target instanceof Element && target.matches('input, textarea, select')
      const jump = jumpOf(event)
      if (event.defaultPrevented || jump === null || inField || isForWhatLiesOver(target)) return
      event.preventDefault()
      giveUp()
      giveUp = holdScroll(jump)
    }
    document.addEventListener('keydown', onKey)
    return () => {
      document.removeEventListener('keydown', onKey)
      giveUp()
    }
  }, [])
}

const toTop = (): void => window.scrollTo({ top: 0, behavior: 'instant' })
const toEnd = (): void => window.scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })

/** Where a key leads; on a Mac the arrows do, with the command key. */
function jumpOf({ key, shiftKey, altKey, metaKey }: KeyboardEvent): (() => void) | null {
  if (shiftKey || altKey) return null
  if (key === 'Home' || (metaKey && key === 'ArrowUp')) return toTop
  if (key === 'End' || (metaKey && key === 'ArrowDown')) return toEnd
  return null
}

/** The button that was pressed goes away: the focus moves to what was said, and not to a field, which would bring up a keyboard. */
function goToNewest(end: HTMLElement | null): void {
  end?.closest<HTMLElement>('[role=log]')?.focus({ preventScroll: true })
  holdScroll(toEnd)
}

function Turns({ conversation }: { conversation: Conversation }): ReactElement {
  const { t } = useTranslation('talk')
  const turns = useMemo(() => shownTurns(conversation), [conversation])
  const end = useRef<HTMLDivElement>(null)
  const probe = useRef<HTMLDivElement>(null)
  const last = turns.at(-1)?.id
  useEffect(() => holdScroll(() => end.current?.scrollIntoView({ block: 'nearest' })), [last])
  return (
    <>
      <Windowed
        count={turns.length}
        blockLength={TURNS_IN_BLOCK}
        estimatedHeight={TURN_PIXELS}
        begin="last"
        name={(from, to) => t('conversation.turns', { from, to, count: turns.length })}
      >
        {(from, to) =>
          turns
            .slice(from, to)
            .map((turn, i) => (
              <TurnView key={turn.id} conversation={conversation} turn={turn} first={from + i === 0} />
            ))
        }
      </Windowed>
      <ToNewest probe={probe} go={() => goToNewest(end.current)} />
      <div ref={end} className="end-of-turns">
        <div ref={probe} />
      </div>
    </>
  )
}
