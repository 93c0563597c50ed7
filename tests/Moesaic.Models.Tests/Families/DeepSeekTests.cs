namespace Moesaic.Models.Tests.Families;

[TestFixture("deepseek_v2", Containers.Both)]
[TestFixture("deepseek_v2_lite", Containers.HuggingFace)]
[TestFixture("deepseek_v3", Containers.Both)]
public sealed class DeepSeekTests(string name, Containers containers) : FamilyTests(name, containers);
