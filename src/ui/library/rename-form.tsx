import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { titleOf, type Conversation } from '../../conversation/conversation.ts'
import { isComposed } from '../parts/enter.ts'
import { IconButton } from '../parts/icon-button.tsx'
import { useApp } from '../store-context.ts'

/** A field in the place of a conversation's name; Escape leaves it as it was. */
export function RenameForm({
  conversation,
  onEnd,
}: {
  conversation: Conversation
  onEnd: () => void
}): ReactElement {
  const { t } = useTranslation('shell')
  const rename = useApp((state) => state.renameConversation)
  // As it was when the form was opened: a caption may have come since.
  const [title] = useState(() => titleOf(conversation))
  const [name, setName] = useState(title)
  return (
    <form
      className="rename"
      onSubmit={(event) => {
        event.preventDefault()
        // A title that was only looked at goes on following the caption.
        if (name !== title) rename(conversation.id, name)
        onEnd()
      }}
    >
      <input
        autoFocus
        type="text"
        dir="auto"
        aria-label={t('list.newName')}
        value={name}
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || isComposed(event.nativeEvent)) return
          event.stopPropagation()
          onEnd()
        }}
      />
      <IconButton icon="done" type="submit" label={t('list.save')} />
    </form>
  )
}
