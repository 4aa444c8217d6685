// For administrators: the settings in force. They are changed where the server runs.

import { answer, type components } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { api } from "../lib/api.ts";
import { settingSource } from "../lib/words.ts";
import { Badge, Loaded, Page } from "../ui/parts.tsx";

type Section = components["schemas"]["SettingSection"];
type Setting = components["schemas"]["Setting"];

export function Settings() {
  const { t } = useLingui();
  const query = useQuery({ queryKey: ["settings"], queryFn: () => answer(api.GET("/api/v1/admin/settings")) });
  return (
    <Page title={t`Settings`} lead={t`What is in force, to be read. It is changed where the server runs; secrets are not shown.`}>
      <Loaded query={query}>
        {({ items }) => <div className="stack tight">{items.map((one) => <Part key={one.name} section={one} />)}</div>}
      </Loaded>
    </Page>
  );
}

function Part({ section }: { section: Section }) {
  const changed = section.settings.filter(({ source }) => source !== "default").length;
  return (
    <details className="card">
      <summary>
        <strong>{section.name}</strong> <span className="quiet" lang="en" dir="ltr">{section.description}</span>
        {changed > 0 && <Badge><Trans>{changed} set</Trans></Badge>}
      </summary>
      <dl className="stack">
        {section.settings.map((one) => (
          <div key={one.key} className="stack tight">
            <dt className="row"><code>{section.name}.{one.key}</code> <Badge tone={one.source === "default" ? "" : "good"}>{settingSource(one.source)}</Badge></dt>
            <dd className="value"><Value setting={one} /></dd>
            <dd className="value quiet" lang="en" dir="ltr">{one.description}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function Value({ setting: { value, is_set } }: { setting: Setting }) {
  if (value === null || value === undefined) return is_set ? <Trans>set</Trans> : <Trans>not set</Trans>;
  if (Array.isArray(value) ? value.length === 0 : value === "") return <Trans>empty</Trans>;
  return <code>{Array.isArray(value) ? value.join(", ") : String(value)}</code>;
}
