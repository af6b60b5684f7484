import type { ReactElement } from 'react'
import type { Conversation } from '../../conversation/conversation.ts'
import { PRESETS, isPreset } from '../../state/presets.ts'
import { AutoTextarea } from '../parts/auto-textarea.tsx'
import { ChooseImage } from '../adding/drop-zone.tsx'
import { useApp } from '../store-context.ts'
import { SuggestedQuestions } from './suggested-questions.tsx'

/** Choose a picture, ask about it. */
export function Composer({ conversation }: { conversation: Conversation | undefined }): ReactElement {
  const draft = useApp((state) => state.drafts[conversation?.id ?? ''] ?? '')
  const changeDraft = useApp((state) => state.changeDraft)
  const send = useApp((state) => state.send)
  const ready = conversation !== undefined
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      {ready && <SuggestedQuestions />}
      {ready && (
        <div className="ask">
          <AutoTextarea
            label="Ask about the image"
            placeholder={conversation.pictures.length > 1 ? 'Ask about these images' : 'Ask about the image'}
            value={draft}
            onChange={changeDraft}
            onEnter={send}
          />
          <button type="submit" className="primary" aria-disabled={draft.trim() === ''}>
            Send
          </button>
        </div>
      )}
      <div className="row">
        <ChooseImage primary={!ready} />
        <PresetChoice />
        <span className={ready ? 'hint when-wide' : 'hint'}>
          Drop pictures anywhere, or paste one; several at once are compared.
        </span>
      </div>
    </form>
  )
}

function PresetChoice(): ReactElement {
  const preset = useApp((state) => state.settings.preset)
  const change = useApp((state) => state.changeSettings)
  return (
    <select
      aria-label="How to answer"
      title={PRESETS[preset].hint}
      value={preset}
      onChange={(event) => {
        if (isPreset(event.target.value)) change({ preset: event.target.value })
      }}
    >
      {Object.entries(PRESETS).map(([key, { name }]) => (
        <option key={key} value={key}>
          {name}
        </option>
      ))}
    </select>
  )
}
