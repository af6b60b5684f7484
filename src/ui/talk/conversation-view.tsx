import { useEffect, useMemo, useRef, type ReactElement } from 'react'
import { shownTurns, type Conversation } from '../../conversation/conversation.ts'
import { isBusy } from '../../state/answering.ts'
import { Composer } from './composer.tsx'
import { useApp } from '../store-context.ts'
import { TurnView } from './turn.tsx'
import { Windowed } from '../parts/windowed.tsx'

/** Conversations up to this length are in the page as a whole, for the browser's own search, too. */
const TURNS_IN_BLOCK = 25

/** What was said about the picture that is shown, the newest last, and the box to ask in. */
export function ConversationView(): ReactElement {
  const conversation = useApp((state) => state.conversations.find(({ id }) => id === state.currentId))
  const busy = useApp((state) => isBusy(state, state.currentId))
  return (
    <section className="conversation">
      {/* Live updates would read out every token; finished answers are announced by the status line instead. */}
      <div role="log" aria-label="Conversation" aria-live="off" aria-busy={busy} tabIndex={0}>
        {conversation === undefined ? (
          <p className="empty">Drop a picture here, and its caption appears word by word.</p>
        ) : (
          <Turns key={conversation.id} conversation={conversation} />
        )}
      </div>
      <Composer conversation={conversation} />
    </section>
  )
}

function Turns({ conversation }: { conversation: Conversation }): ReactElement {
  const turns = useMemo(() => shownTurns(conversation), [conversation])
  const end = useRef<HTMLDivElement>(null)
  const last = turns.at(-1)?.id
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' })
  }, [last])
  return (
    <>
      <Windowed
        count={turns.length}
        blockLength={TURNS_IN_BLOCK}
        estimatedHeight={160}
        begin="last"
        name="Turns"
      >
        {(from, to) =>
          turns
            .slice(from, to)
            .map((turn, i) => (
              <TurnView key={turn.id} conversation={conversation} turn={turn} first={from + i === 0} />
            ))
        }
      </Windowed>
      <div ref={end} className="end-of-turns" />
    </>
  )
}
