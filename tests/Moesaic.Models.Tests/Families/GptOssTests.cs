namespace Moesaic.Models.Tests.Families;

[TestFixture("gpt_oss", Containers.Both)]
public sealed class GptOssTests(string name, Containers containers) : FamilyTests(name, containers);
